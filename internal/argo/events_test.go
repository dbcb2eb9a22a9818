package argo_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	eventsv1 "github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/robfig/cron/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/stages"
)

const github = "githubOwner: my-org\ngithubRepo: my.app\ngithubBranch: release/2.x\nclusterName: company\nworkflowTemplateName: my-app\n"

func objectsOf(t *testing.T, text string) []manifest.Object {
	t.Helper()
	cfg, p := planned(t, text)
	at := place()
	at.Account = "111111111111"
	objects, err := argo.Objects(cfg, p, at)
	require.NoError(t, err)
	return objects
}

func decoded[T any](t *testing.T, objects []manifest.Object, kind string) T {
	t.Helper()
	var value T
	require.NoError(t, yaml.UnmarshalStrict(find(t, objects, kind).YAML, &value))
	return value
}

func TestTheWebhookRefusesDeliveriesWithoutASignature(t *testing.T) {
	source := decoded[eventsv1.EventSource](t, objectsOf(t, github+configuration("dev")), "EventSource")
	hook := source.Spec.Github["github"]
	assert.Equal(t, "my-app-webhook", hook.WebhookSecret.Name)
	assert.Equal(t, "secret", hook.WebhookSecret.Key)
	assert.Nil(t, hook.WebhookSecret.Optional, "without the secret it does not start")
	assert.Equal(t, "12000", hook.Webhook.Port)
	assert.Equal(t, "/push", hook.Webhook.Endpoint)
	assert.EqualValues(t, 25<<20, hook.Webhook.GetMaxPayloadSize())
}

// TestEveryValueOfAnEventIsFilteredBeforeUse also checks that values only fill fields: by
// a path in the event and a path in the Workflow.
func TestEveryValueOfAnEventIsFilteredBeforeUse(t *testing.T) {
	sensor := decoded[eventsv1.Sensor](t, objectsOf(t, github+"triggers: {tags: [\"**\"]}\n"+configuration("dev")), "Sensor")
	require.Len(t, sensor.Spec.Triggers, 3)
	filtered := map[string]map[string][]*regexp.Regexp{}
	for _, dependency := range sensor.Spec.Dependencies {
		filtered[dependency.Name] = map[string][]*regexp.Regexp{}
		for _, filter := range dependency.Filters.Data {
			require.Len(t, filter.Value, 1)
			filtered[dependency.Name][filter.Path] = append(filtered[dependency.Name][filter.Path], regexp.MustCompile(filter.Value[0]))
		}
		assert.Empty(t, dependency.Filters.Script)
		assert.Nil(t, dependency.Transform)
	}
	for _, trigger := range sensor.Spec.Triggers {
		assert.Empty(t, trigger.Parameters, "the trigger itself is never changed")
		for _, parameter := range trigger.Template.K8s.Parameters {
			key := parameter.Src.DataKey
			want := eventsv1.TriggerParameterSource{DependencyName: trigger.Template.Name, DataKey: key}
			switch {
			case parameter.Dest == "metadata.name" && trigger.Template.Name == "push":
				want.DataTemplate, key = "{{ .Input.body.after | trunc 32 }}", "body.after"
			case parameter.Dest == "metadata.name":
				want.DataTemplate, key = "{{ .Input.body.head_commit.id | trunc 32 }}-t{{ .Input.body.ref | sha256sum | trunc 4 }}", "body.head_commit.id"
			case strings.HasPrefix(parameter.Dest, "metadata.annotations.") && trigger.Template.Name == "tag":
				want.DataTemplate, key = `{{ .Input.body.ref | trimPrefix "refs/tags/" }} at {{ .Input.body.head_commit.id }}`, "body.ref"
			case parameter.Src.DataTemplate != "":
				assert.Equal(t, "spec.arguments.parameters.4.value", parameter.Dest, "text for display is cleaned instead of filtered")
				continue
			}
			assert.Equal(t, want, *parameter.Src)
			patterns := filtered[trigger.Template.Name][key]
			require.NotEmpty(t, patterns, key)
			for _, hostile := range hostileTexts {
				passed := !slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return !p.MatchString(hostile) })
				assert.False(t, passed, "%s accepts %q", key, hostile)
			}
		}
	}
}

func TestACheckGetsTheNumberOfItsPullRequestIfItMayComment(t *testing.T) {
	for token, comments := range map[string]bool{"githubTokenSecretName: token\n": true, "": false, "githubTokenSecretName: token\npullRequests: {plan: off}\n": false} {
		objects := objectsOf(t, github+token+configuration("dev"))
		sensor := decoded[eventsv1.Sensor](t, objects, "Sensor")
		var workflow wfv1.Workflow
		var filled []string
		for _, trigger := range sensor.Spec.Triggers {
			if trigger.Template.Name != "pull" {
				continue
			}
			require.NoError(t, yaml.UnmarshalStrict(trigger.Template.K8s.Source.Resource.Value, &workflow))
			for _, parameter := range trigger.Template.K8s.Parameters {
				if parameter.Src.DataKey == "body.number" {
					filled = append(filled, parameter.Dest)
				}
			}
		}
		at := slices.IndexFunc(workflow.Spec.Arguments.Parameters, func(p wfv1.Parameter) bool { return p.Name == plan.PullRequest })
		require.Equal(t, comments, at >= 0, token)
		template := decoded[wfv1.WorkflowTemplate](t, objects, "WorkflowTemplate")
		require.Equal(t, comments, template.Spec.Arguments.GetParameterByName(plan.PullRequest) != nil)
		if comments {
			assert.Equal(t, []string{fmt.Sprintf("spec.arguments.parameters.%d.value", at)}, filled)
			filters := sensor.Spec.Dependencies[1].Filters.Data
			number := filters[slices.IndexFunc(filters, func(f eventsv1.DataFilter) bool { return f.Path == "body.number" })].Value[0]
			assert.Regexp(t, number, "4711")
			for _, hostile := range append(hostileTexts, "0", "-1", "1.5", "1e9", "12345678901") {
				assert.NotRegexp(t, number, hostile)
			}
		} else {
			assert.Empty(t, filled)
		}
	}
}

func TestInvisibleCharactersInABranchAreRefusedAndWhatGitAllowsIsAccepted(t *testing.T) {
	sensor := decoded[eventsv1.Sensor](t, objectsOf(t, github+configuration("dev")), "Sensor")
	var branch *regexp.Regexp
	for _, filter := range sensor.Spec.Dependencies[1].Filters.Data {
		if filter.Path == "body.pull_request.head.ref" {
			branch = regexp.MustCompile(filter.Value[0])
		}
	}
	for _, name := range []string{
		"main", "feature/x", "größe/日本", "a{b}", "{", "x{", "}}", "$(HOME)", "fix-#12", "it's", `say-"hi"`, "a;b", "a|b&c", "<x>", "100%", "emoji-🚀",
		strings.Repeat("x", 244),
	} {
		assert.Regexp(t, branch, name)
	}
	for _, name := range []string{"", "a b", "a\u00a0b", "a\u202eb", "a\u200bb", "a\x7fb", "a\nb", "{{", "a{{b", "{{{", "a{{", "\u2028", strings.Repeat("x", 1000)} {
		assert.NotRegexp(t, branch, name)
	}
}

// hostileTexts are refused in every value of an event.
var hostileTexts = []string{
	"{{workflow.name}}", "{{=1+1}}", "a{{", "x\ny", "a b", "", "main\x00", "{{inputs.parameters.digest}}",
	`"}], "args": ["echo {{=nope}}"]`, strings.Repeat("x", 600),
}

func TestPushesOfAnotherBranchRepositoryOrKindAreIgnored(t *testing.T) {
	sensor := decoded[eventsv1.Sensor](t, objectsOf(t, github+configuration("dev")), "Sensor")
	push := map[string]string{}
	for _, filter := range sensor.Spec.Dependencies[0].Filters.Data {
		push[filter.Path] = filter.Value[0]
	}
	assert.Regexp(t, push["body.repository.clone_url"], "https://github.com/My-Org/my.app.git")
	for _, url := range []string{"https://github.example.com/my-org/my.app.git", "https://github.com.evil.example/my-org/my.app.git", "http://github.com/my-org/my.app.git"} {
		assert.NotRegexp(t, push["body.repository.clone_url"], url)
	}
	assert.Regexp(t, push["body.ref"], "refs/heads/release/2.x")
	for _, ref := range []string{"refs/tags/release/2.x", "refs/heads/release/2ax", "refs/heads/release/2.x\n", "refs/heads/release/2.x-next", "xrefs/heads/release/2.x"} {
		assert.NotRegexp(t, push["body.ref"], ref)
	}
	assert.Regexp(t, push["body.repository.full_name"], "My-Org/my.app")
	for _, name := range []string{"my-org/myxapp", "evil/my.app", "my-org/my.app.git"} {
		assert.NotRegexp(t, push["body.repository.full_name"], name)
	}
	assert.Equal(t, "false", push["body.deleted"])
}

func TestOnlyTheTagsOfTheConfigurationStartARun(t *testing.T) {
	sensor := decoded[eventsv1.Sensor](t, objectsOf(t, github+"triggers: {tags: [v*, release/**]}\n"+configuration("dev")), "Sensor")
	starts := func(ref string) bool {
		passed := true
		for _, filter := range sensor.Spec.Dependencies[2].Filters.Data {
			passed = passed && (filter.Path != "body.ref" || regexp.MustCompile(filter.Value[0]).MatchString(ref))
		}
		return passed
	}
	for _, ref := range []string{"refs/tags/v1.2.3", "refs/tags/v1+a_b-c", "refs/tags/release/2026/11", "refs/tags/vé"} {
		assert.True(t, starts(ref), ref)
	}
	for _, ref := range []string{
		"refs/tags/w1", "refs/heads/v1", "refs/tags/v1/2", "xrefs/tags/v1", "refs/tags/v{{x}}", "refs/tags/v1\n", "refs/tags/v1<b>", "refs/tags/v\u202e1",
		"refs/tags/v" + strings.Repeat("1", 244),
	} {
		assert.False(t, starts(ref), ref)
	}
	assert.Equal(t, "false", func() string {
		for _, filter := range sensor.Spec.Dependencies[2].Filters.Data {
			if filter.Path == "body.deleted" {
				return filter.Value[0]
			}
		}
		return ""
	}())
	for _, object := range objectsOf(t, github+configuration("dev")) {
		assert.NotContains(t, string(object.YAML), "refs/tags")
	}
}

func TestOneCommitStartsOneRunEvenIfDeliveredTwice(t *testing.T) {
	sensor := decoded[eventsv1.Sensor](t, objectsOf(t, github+"workflowNamePrefix: my-app-\n"+configuration("dev")), "Sensor")
	push := sensor.Spec.Triggers[0].Template.K8s
	assert.Equal(t, eventsv1.Create, push.Operation, "a name that exists is refused")
	assert.Equal(t, "metadata.name", push.Parameters[0].Dest)
	assert.Equal(t, eventsv1.TriggerParameterOpAppend, push.Parameters[0].Operation)

	var workflow wfv1.Workflow
	require.NoError(t, yaml.UnmarshalStrict(push.Source.Resource.Value, &workflow))
	assert.Equal(t, "my-app-", workflow.Name)
	assert.Empty(t, workflow.GenerateName)
}

func TestBothEventsRunTheSameTemplateFromTheirOwnEntrypoints(t *testing.T) {
	objects := objectsOf(t, github+configuration("dev"))
	sensor := decoded[eventsv1.Sensor](t, objects, "Sensor")
	entrypoints := map[string]string{}
	for _, trigger := range sensor.Spec.Triggers {
		var workflow wfv1.Workflow
		require.NoError(t, yaml.UnmarshalStrict(trigger.Template.K8s.Source.Resource.Value, &workflow))
		assert.Equal(t, find(t, objects, "WorkflowTemplate").Name, workflow.Spec.WorkflowTemplateRef.Name)
		assert.Equal(t, "argo", workflow.Namespace)
		assert.Equal(t, "release/2.x", workflow.Spec.Arguments.GetParameterByName("branch").Value.String())
		assert.Equal(t, "https://github.com/my-org/my.app.git", workflow.Spec.Arguments.GetParameterByName("repo-url").Value.String())
		entrypoints[trigger.Template.Name] = workflow.Spec.Entrypoint
		workflow.Spec.WorkflowTemplateRef, workflow.Spec.Arguments, workflow.Spec.Entrypoint = nil, wfv1.Arguments{}, ""
		assert.Equal(t, wfv1.WorkflowSpec{}, workflow.Spec, "Strict template referencing allows nothing else")
	}
	assert.Equal(t, map[string]string{"push": "", "pull": argo.CheckEntry}, entrypoints)
}

func TestTheServiceIsOfTheConfiguredType(t *testing.T) {
	for _, kind := range []string{"LoadBalancer", "NodePort", "ClusterIP"} {
		service := decoded[corev1.Service](t, objectsOf(t, github+"webhookService: "+kind+"\n"+configuration("dev")), "Service")
		assert.EqualValues(t, kind, service.Spec.Type)
		assert.Equal(t, map[string]string{"eventsource-name": "my-app"}, service.Spec.Selector)
		assert.EqualValues(t, 12000, service.Spec.Ports[0].Port)
	}
	for _, object := range objectsOf(t, github+"webhookService: None\n"+configuration("dev")) {
		assert.NotEqual(t, "Service", object.Kind)
	}
}

func TestALoadBalancerServesTheWebhookWithTheCertificate(t *testing.T) {
	const certificate = "arn:aws:acm:eu-west-1:111111111111:certificate/12345678-1234"
	const annotation = "service.beta.kubernetes.io/aws-load-balancer-ssl-cert"
	service := decoded[corev1.Service](t, objectsOf(t, github+"webhookCertificateArn: "+certificate+"\n"+configuration("dev")), "Service")
	assert.Equal(t, certificate, service.Annotations[annotation])
	service = decoded[corev1.Service](t, objectsOf(t, github+configuration("dev")), "Service")
	assert.NotContains(t, service.Annotations, annotation)
}

func TestTheSensorComesLastAndTheTemplateBeforeIt(t *testing.T) {
	var kinds []string
	for _, object := range objectsOf(t, github+configuration("dev")) {
		if len(kinds) == 0 || kinds[len(kinds)-1] != object.Kind {
			kinds = append(kinds, object.Kind)
		}
	}
	assert.Equal(t, "ServiceAccount", kinds[0])
	assert.Equal(t, []string{"WorkflowTemplate", "Service", "EventSource", "CronWorkflow", "Sensor"}, kinds[len(kinds)-5:])
}

func TestTheReconcilerUsesAnEntrypointOfTheSameTemplate(t *testing.T) {
	objects := objectsOf(t, github+configuration("dev"))
	cron := decoded[wfv1.CronWorkflow](t, objects, "CronWorkflow")
	assert.Equal(t, []string{"*/15 * * * *"}, cron.Spec.Schedules)
	assert.Empty(t, cron.Spec.Schedule, "Argo 4 no longer has this field")
	assert.Equal(t, "UTC", cron.Spec.Timezone)
	spec := cron.Spec.WorkflowSpec
	assert.Equal(t, find(t, objects, "WorkflowTemplate").Name, spec.WorkflowTemplateRef.Name)
	assert.Equal(t, argo.WatchEntry, spec.Entrypoint)
	spec.WorkflowTemplateRef, spec.Arguments, spec.Entrypoint, spec.TTLStrategy = nil, wfv1.Arguments{}, "", nil
	assert.Equal(t, wfv1.WorkflowSpec{}, spec, "Strict template referencing allows nothing else")

	template := decoded[wfv1.WorkflowTemplate](t, objects, "WorkflowTemplate")
	assert.Equal(t, "my-app-deploy-watch", node(t, &template, argo.WatchEntry).ServiceAccountName)
	assert.Equal(t, []string{"deployer", "reconcile"}, node(t, &template, argo.WatchEntry).Container.Command)
}

func TestAnEmptyScheduleRemovesTheReconciler(t *testing.T) {
	text := github + "reconcileSchedule: \"\"\nwebhookService: None\n" + configuration("dev")
	for _, object := range objectsOf(t, text) {
		assert.NotEqual(t, "CronWorkflow", object.Kind)
		assert.NotContains(t, object.Name, "-watch")
		assert.False(t, strings.Contains(string(object.YAML), "reconcile"), object.String())
	}
	cfg, _ := planned(t, text)
	var unwanted []string
	for _, object := range argo.Unwanted(cfg) {
		unwanted = append(unwanted, object.String())
	}
	assert.Equal(t, []string{"cronworkflow/my-app", "service/my-app-eventsource-svc"}, unwanted)
	cfg, _ = planned(t, github+configuration("dev"))
	assert.Empty(t, argo.Unwanted(cfg))
}

func TestTheScheduleOfTriggersIsKeptByTheReconcilerInItsTimeZone(t *testing.T) {
	const again, check = "0 3 * * 1-5", "*/15 * * * *"
	nightly := "triggers: {schedule: \"0 3 * * 1-5\", timezone: Europe/Berlin}\n"
	for more, want := range map[string][]string{"": {again, check}, "reconcileSchedule: \"\"\n": {again}} {
		objects := objectsOf(t, github+nightly+more+configuration("dev"))
		job := decoded[wfv1.CronWorkflow](t, objects, "CronWorkflow")
		assert.Equal(t, want, job.Spec.Schedules)
		assert.Equal(t, "Europe/Berlin", job.Spec.Timezone)
		for _, schedule := range job.Spec.GetSchedulesWithTimezone(t.Context()) {
			_, err := cron.ParseStandard(schedule)
			assert.NoError(t, err, "Argo reads it so")
		}
		template := decoded[wfv1.WorkflowTemplate](t, objects, "WorkflowTemplate")
		env := map[string]string{}
		for _, variable := range node(t, &template, argo.WatchEntry).Container.Env {
			env[variable.Name] = variable.Value
		}
		assert.Equal(t, "CRON_TZ=Europe/Berlin "+again, env["APHEX_SCHEDULE"])
		assert.Contains(t, env["APHEX_CREATED"], "workflow.creationTimestamp")
	}
}

func TestAPipelineWithoutARepositoryHasNoWebhook(t *testing.T) {
	for _, object := range objectsOf(t, configuration("dev")) {
		assert.NotContains(t, []string{"Sensor", "EventSource", "Service", "CronWorkflow"}, object.Kind)
	}
}

// TestTwoPipelinesOfARepositoryShareNoObjectAndEachHasAWebhookOfItsOwn is a repository with a
// configuration for each of two services.
func TestTwoPipelinesOfARepositoryShareNoObjectAndEachHasAWebhookOfItsOwn(t *testing.T) {
	seen, stacks := map[string]string{}, map[string]bool{}
	for _, service := range []string{"orders", "billing"} {
		text := "githubOwner: my-org\ngithubRepo: services\nclusterName: company\nworkflowTemplateName: " + service +
			"\ntriggers: {paths: [services/" + service + "/**], tags: [" + service + "-v*], schedule: \"0 3 * * *\"}\n" + configuration("dev")
		cfg, err := config.Parse(config.File, []byte(text))
		require.NoError(t, err)
		at := plan.PlaceOf(cfg, "", "", "services/"+service+"/"+config.File)
		p, err := plan.New(cfg, stages.Contracts(), at)
		require.NoError(t, err)
		objects, err := argo.Objects(cfg, p, at)
		require.NoError(t, err)
		for _, object := range objects {
			assert.Empty(t, seen[object.String()], "%s is of both", object)
			seen[object.String()] = service
		}
		names := plan.NamesOf(cfg, at)
		for _, name := range []string{names.Stack, at.Bucket, names.Pipeline, names.ValidatorRole, names.Secret} {
			assert.False(t, stacks[name], "%s is of both", name)
			stacks[name] = true
		}

		sensor := decoded[eventsv1.Sensor](t, objects, "Sensor")
		template := find(t, objects, "WorkflowTemplate").Name
		for i, trigger := range sensor.Spec.Triggers {
			assert.Equal(t, service, sensor.Spec.Dependencies[i].EventSourceName)
			var workflow wfv1.Workflow
			require.NoError(t, yaml.UnmarshalStrict(trigger.Template.K8s.Source.Resource.Value, &workflow))
			assert.Equal(t, template, workflow.Spec.WorkflowTemplateRef.Name)
			assert.True(t, strings.HasPrefix(workflow.Name+workflow.GenerateName, service+"-"))
		}
		source := decoded[eventsv1.EventSource](t, objects, "EventSource")
		assert.Equal(t, []string{"services"}, source.Spec.Github["github"].Repositories[0].Names)
		assert.Equal(t, service+"-webhook", source.Spec.Github["github"].WebhookSecret.Name)
		rendered := decoded[wfv1.WorkflowTemplate](t, objects, "WorkflowTemplate")
		locks := 0
		for _, template := range rendered.Spec.Templates {
			if template.Synchronization == nil {
				continue
			}
			for _, lock := range template.Synchronization.Mutexes {
				locks++
				assert.True(t, strings.HasPrefix(lock.Name, service), "the runs of one do not wait for those of the other: %s", lock.Name)
			}
		}
		assert.NotZero(t, locks)
		for _, variable := range node(t, &rendered, "validator").Container.Env {
			if variable.Name == "APHEX_CONFIG" {
				assert.Equal(t, at.Config, variable.Value)
			}
		}
	}
}
