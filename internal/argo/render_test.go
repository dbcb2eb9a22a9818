package argo_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/localrun"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages"
)

func place() plan.Place {
	return plan.Place{Region: "eu-west-1", Bucket: "artifacts-111111111111", Config: config.File}
}

func configuration(environments ...string) string {
	text := "version: \"1.0\"\nenvironments:\n"
	for i, name := range environments {
		text += fmt.Sprintf("  - {name: %s, account: \"%012d\", region: eu-west-1, stacks: [{name: Api, path: lib/api.ts}], tests: {commands: [\"echo '{{workflow.name}}'\"]}", name, 111111111111+i)
		if i > 0 {
			text += ", requiresApproval: true"
		}
		text += "}\n"
	}
	return text
}

func planned(t require.TestingT, text string) (*config.Config, plan.Plan) {
	cfg, err := config.Parse(config.File, []byte(text))
	require.NoError(t, err)
	p, err := plan.New(cfg, stages.Contracts(), place())
	require.NoError(t, err)
	return cfg, p
}

func find(t *testing.T, objects []manifest.Object, kind string) manifest.Object {
	t.Helper()
	for _, object := range objects {
		if object.Kind == kind {
			return object
		}
	}
	t.Fatalf("there is no %s", kind)
	return manifest.Object{}
}

func render(t require.TestingT, text string) *wfv1.WorkflowTemplate {
	cfg, p := planned(t, text)
	template, err := argo.WorkflowTemplate(cfg, p, place())
	require.NoError(t, err)
	return template
}

// inOneAccount puts all environments of a configuration into one account.
func inOneAccount(text string) string {
	return regexp.MustCompile(`"11111111111[0-9]"`).ReplaceAllString(text, `"111111111111"`)
}

func TestAllEnvironmentsOfAnAccountShareOneTemplate(t *testing.T) {
	template := render(t, inOneAccount(configuration("dev", "staging", "prod")))

	var names []string
	for _, node := range template.Spec.Templates {
		names = append(names, node.Name)
	}
	assert.Subset(t, names, []string{
		"run", "resume", "release", "environments", "check", "exit",
		"validator", "builder", "deployer-pipeline", "gate", "deployer-environment-tester-111111111111", "record",
	})
	assert.Len(t, slices.Compact(slices.Sorted(slices.Values(names))), len(names), "one template for each kind of step: %q", names)
	assert.NotContains(t, strings.Join(names, " "), "staging", "an environment has no template of its own")
}

func TestOnlyWhatDiffersBetweenStepsIsAnArgument(t *testing.T) {
	template := render(t, inOneAccount(configuration("dev", "prod")))
	given := map[string]string{}
	for _, argument := range task(t, template, "deploy-prod").Arguments.Parameters {
		given[argument.Name] = argument.Value.String()
	}
	assert.Equal(t, map[string]string{
		"step": "deploy-prod", "tester-step": "test-prod", "environment": "prod",
		"artifact": "{{inputs.parameters.artifact}}", "digest": "{{inputs.parameters.digest}}", "config-digest": "{{inputs.parameters.config-digest}}",
	}, given)
}

// whole matches a value that is one expression and nothing else.
var whole = regexp.MustCompile(`^\{\{[a-zA-Z0-9.-]+\}\}$`)

// checkWiring finds unused arguments, missing inputs, and undeclared outputs and inputs, in
// every graph.
func checkWiring(t require.TestingT, template *wfv1.WorkflowTemplate) {
	nodes, deploys := map[string]wfv1.Template{}, 0
	for _, node := range template.Spec.Templates {
		nodes[node.Name] = node
	}
	declared := map[string]bool{}
	for _, parameter := range template.Spec.Arguments.Parameters {
		declared["{{workflow.parameters."+parameter.Name+"}}"] = true
	}
	for _, graph := range template.Spec.Templates {
		if graph.DAG == nil {
			continue
		}
		known := maps.Clone(declared)
		for _, input := range graph.Inputs.Parameters {
			known["{{inputs.parameters."+input.Name+"}}"] = true
		}
		for _, task := range graph.DAG.Tasks {
			for _, output := range nodes[task.Template].Outputs.Parameters {
				known["{{tasks."+task.Name+".outputs.parameters."+output.Name+"}}"] = true
			}
			if strings.HasPrefix(task.Template, "deployer-environment") {
				deploys++
			}
		}
		for _, task := range graph.DAG.Tasks {
			checkTask(t, task, nodes[task.Template], known)
		}
		require.Equal(t, len(graph.DAG.Tasks), len(declaredTasks(graph)))
	}
	require.Positive(t, deploys)
}

var expressions = regexp.MustCompile(`\{\{[^{}]*\}\}`)

func checkTask(t require.TestingT, task wfv1.DAGTask, runs wfv1.Template, known map[string]bool) {
	var given, taken []string
	for _, argument := range task.Arguments.Parameters {
		given = append(given, argument.Name)
		if value := argument.Value.String(); strings.Contains(value, "{{") {
			require.True(t, known[value], value)
		}
	}
	for _, input := range runs.Inputs.Parameters {
		taken = append(taken, input.Name)
	}
	require.Equal(t, taken, given, task.Name)
	for _, read := range expressions.FindAllString(task.When, -1) {
		require.True(t, known[read] || strings.HasPrefix(read, "{{workflow."), task.When)
	}
}

func declaredTasks(dag wfv1.Template) map[string]bool {
	names := map[string]bool{}
	for _, task := range dag.DAG.Tasks {
		names[task.Name] = true
	}
	return names
}

func TestTheLocalRunSupportsTheRenderedTemplate(t *testing.T) {
	cfg, err := config.Parse(config.File, []byte(configuration("dev", "prod")))
	require.NoError(t, err)
	p, err := plan.New(cfg, stages.Contracts(), place())
	require.NoError(t, err)
	objects, err := argo.Objects(cfg, p, place())
	require.NoError(t, err)

	_, err = localrun.Parse(find(t, objects, "WorkflowTemplate").YAML)
	assert.NoError(t, err)
}

func TestTheSameConfigurationRendersTheSameBytes(t *testing.T) {
	cfg, err := config.Parse(config.File, []byte(configuration("dev", "staging", "prod")))
	require.NoError(t, err)
	var first []byte
	for range 20 {
		p, err := plan.New(cfg, stages.Contracts(), place())
		require.NoError(t, err)
		objects, err := argo.Objects(cfg, p, place())
		require.NoError(t, err)
		if first == nil {
			first = objects[0].YAML
		}
		require.Equal(t, string(first), string(objects[0].YAML))
	}
}

func TestALiteralWithAnExpressionIsRefused(t *testing.T) {
	cfg, err := config.Parse(config.File, []byte(configuration("dev")))
	require.NoError(t, err)
	at := place()
	at.Bucket = "{{workflow.name}}"
	p, err := plan.New(cfg, stages.Contracts(), at)
	require.NoError(t, err)
	_, err = argo.WorkflowTemplate(cfg, p, at)
	assert.ErrorContains(t, err, "contains a template expression")
}

func task(t *testing.T, template *wfv1.WorkflowTemplate, name string) wfv1.DAGTask {
	t.Helper()
	for _, graph := range template.Spec.Templates {
		if graph.DAG == nil {
			continue
		}
		for _, task := range graph.DAG.Tasks {
			if task.Name == name {
				return task
			}
		}
	}
	t.Fatalf("there is no task %q", name)
	return wfv1.DAGTask{}
}

func node(t *testing.T, template *wfv1.WorkflowTemplate, name string) wfv1.Template {
	t.Helper()
	for _, node := range template.Spec.Templates {
		if node.Name == name {
			return node
		}
	}
	t.Fatalf("there is no template %q", name)
	return wfv1.Template{}
}

func TestEachKindOfStepHasAnIdentityOfItsOwn(t *testing.T) {
	template := render(t, configuration("dev", "prod"))
	assert.Equal(t, "workflow-executor", template.Spec.ServiceAccountName)
	accounts, roles := map[string]string{}, map[string]string{}
	for _, node := range template.Spec.Templates {
		containers := []corev1.Container{}
		switch {
		case node.Container != nil:
			containers = append(containers, *node.Container)
		case node.ContainerSet != nil:
			for _, c := range node.ContainerSet.Containers {
				containers = append(containers, c.Container)
			}
		default:
			assert.Empty(t, node.ServiceAccountName, node.Name)
			continue
		}
		accounts[node.Name] = node.ServiceAccountName
		for _, container := range containers {
			role := variables(container)["AWS_ROLE_ARN"]
			assert.Contains(t, []string{"", role}, roles[node.Name], "the containers of a pod have one role")
			roles[node.Name] = role
		}
	}
	assert.Equal(t, map[string]string{
		"validator": "workflow-executor-validate", "builder": "workflow-executor-build", "deployer-pipeline": "workflow-executor-update", "record": "workflow-executor", "gate": "workflow-executor",
		"deployer-plan": "workflow-executor-validate", // as the validation: it looks, and changes nothing
		"deployer-environment-tester-111111111111": "workflow-executor-111111111111", "deployer-environment-tester-111111111112": "workflow-executor-111111111112",
	}, accounts)
	distinct := map[string]bool{}
	for _, role := range roles {
		distinct[role] = true
	}
	assert.Len(t, distinct, len(accounts)-2, roles)
}

func TestAPullRequestIsValidatedAndPlannedAndDeploysNothing(t *testing.T) {
	template := render(t, configuration("dev", "prod"))
	check := node(t, template, argo.CheckEntry)
	require.Len(t, check.DAG.Tasks, 2)
	assert.Equal(t, "validator", check.DAG.Tasks[0].Template)
	assert.Equal(t, "deployer-plan", check.DAG.Tasks[1].Template)
	assert.Equal(t, []string{"validate"}, check.DAG.Tasks[1].Dependencies)
	assert.Nil(t, check.Synchronization, "a check does not wait for deployments")
	off := node(t, render(t, configuration("dev", "prod")+"pullRequests: {plan: off}\n"), argo.CheckEntry)
	require.Len(t, off.DAG.Tasks, 1)
	assert.Equal(t, "validator", off.DAG.Tasks[0].Template)

	var tasks []string
	for _, task := range node(t, template, template.Spec.Entrypoint).DAG.Tasks {
		tasks = append(tasks, task.Name)
	}
	assert.Subset(t, tasks, []string{"build", "release"}, "a push of the same configuration builds and releases")
	assert.NotContains(t, tasks, "plan")
}

// The pods of a pull request run code that nobody has looked at. Their identity is that of the
// validation, whose permissions in AWS are in the tests of internal/install/infra.
func TestThePodsOfAPullRequestHaveNoIdentityThatDeploys(t *testing.T) {
	template := render(t, configuration("dev", "prod"))
	for _, task := range node(t, template, argo.CheckEntry).DAG.Tasks {
		pod := node(t, template, task.Template)
		assert.Equal(t, "workflow-executor-validate", pod.ServiceAccountName, task.Name)
		assert.Regexp(t, "-validate$", variables(*pod.Container)["AWS_ROLE_ARN"], task.Name)
		for _, volume := range pod.Volumes {
			assert.NotContains(t, []string{"cluster-token", "image-builder"}, volume.Name, "no token of the cluster, and no image builder")
		}
	}
	plan := node(t, template, "deployer-plan")
	assert.Contains(t, plan.PodSpecPatch, `"name":"commands"`, "code of the pull request has a container of its own")
	assert.Contains(t, plan.PodSpecPatch, "/builder:latest", "with the tools of a build")
}

func TestOneRunAtATimeUpdatesThePipelineAndDeploysAnEnvironment(t *testing.T) {
	locks := func(configuration string) map[string]string {
		locks := map[string]string{}
		for _, part := range render(t, configuration).Spec.Templates {
			if part.Synchronization != nil {
				require.Len(t, part.Synchronization.Mutexes, 1)
				locks[part.Name] = part.Synchronization.Mutexes[0].Name
			}
		}
		return locks
	}
	assert.Equal(t, map[string]string{
		"deployer-pipeline":                        "aphex-pipeline-template",
		"deployer-environment-tester-111111111111": "aphex-pipeline-template.dev",
		"deployer-environment-tester-111111111112": "aphex-pipeline-template.prod",
	}, locks(configuration("dev", "prod")))
	oneAccount := strings.ReplaceAll(configuration("dev", "prod"), "111111111112", "111111111111")
	assert.Equal(t, "aphex-pipeline-template.{{inputs.parameters.environment}}", locks(oneAccount)["deployer-environment-tester-111111111111"],
		"the pods of one template have a lock for each environment, and nothing is locked while an approval is waited for")
}

func TestEveryEnvironmentHasAGate(t *testing.T) {
	template := render(t, configuration("dev", "prod"))
	assert.Empty(t, task(t, template, "gate-dev").Dependencies)
	assert.Equal(t, []string{"deploy-dev"}, task(t, template, "gate-prod").Dependencies)
	for _, environment := range []string{"dev", "prod"} {
		gate := task(t, template, "gate-"+environment)
		assert.Equal(t, "'{{inputs.parameters.no-approval}}' !~ ',"+environment+",'", gate.When)
		assert.Equal(t, []string{"deployer", "gate"}, node(t, template, gate.Template).Container.Command, "nobody resumes it")
		assert.Equal(t, environment, gate.Arguments.GetParameterByName("environment").Value.String())
		assert.Equal(t, []string{"gate-" + environment}, task(t, template, "deploy-"+environment).Dependencies)
	}
}

func TestARunThatHasHandedOverDoesNotReachTheEnvironments(t *testing.T) {
	template := render(t, configuration("dev"))
	environments := task(t, template, "environments")
	assert.Equal(t, "'{{tasks.pipeline.outputs.parameters.result}}' != 'handed-over'", environments.When)
	assert.Equal(t, []string{"pipeline"}, environments.Dependencies)
	assert.Equal(t, []string{"build"}, task(t, template, "release").Dependencies)
	resumed := node(t, template, argo.ResumeEntry).DAG.Tasks
	require.Len(t, resumed, 1)
	assert.Equal(t, "release", resumed[0].Template)
	assert.Equal(t, "{{workflow.parameters.artifact}}", resumed[0].Arguments.GetParameterByName("artifact").Value.String())
}

func TestATemplatePassesItsNameToTheDeployer(t *testing.T) {
	template := render(t, configuration("dev", "prod"))
	step := variables(*node(t, template, "deployer-pipeline").Container)
	assert.Equal(t, template.Name, step["APHEX_TEMPLATE"])
	assert.Equal(t, "dev prod", step["APHEX_ENVIRONMENTS"])
	assert.Equal(t, "prod", step["APHEX_GATES"])
	assert.Equal(t, "{{workflow.parameters.gates}}", step["APHEX_HELD"])
}

func variables(container corev1.Container) map[string]string {
	values := map[string]string{}
	for _, variable := range container.Env {
		values[variable.Name] = variable.Value
	}
	return values
}

func TestTheTestsOfAnEnvironmentRunInThePodOfItsDeployment(t *testing.T) {
	template := render(t, configuration("dev"))
	assert.Equal(t, []string{"gate-dev"}, task(t, template, "deploy-dev").Dependencies)
	pod := node(t, template, task(t, template, "deploy-dev").Template)
	assert.Equal(t, []string{"deployer", "steps"}, pod.Container.Command)
	assert.Equal(t, []string{"deployer environment", "tester"}, pod.Container.Args)

	deploys, test := stepsOf(t, *pod.Container)
	assert.Equal(t, "/aphex/stack-outputs.json", deploys["APHEX_DETAILED_OUTPUTS_FILE"])
	assert.Equal(t, deploys["APHEX_DETAILED_OUTPUTS_FILE"], test["APHEX_OUTPUTS_FILE"])
	assert.Equal(t, deploys["APHEX_DIGEST"], test["APHEX_DIGEST"])
	assert.NotEqual(t, deploys["APHEX_STEP"], test["APHEX_STEP"])
	assert.NotEqual(t, deploys["APHEX_OUTPUTS"], test["APHEX_OUTPUTS"])
	assert.Equal(t, deploys["APHEX_COMMANDS_SECRET"], test["APHEX_COMMANDS_SECRET"], "the two use one container for commands")

	left := map[string]string{}
	for _, output := range pod.Outputs.Parameters {
		left[output.Name] = output.ValueFrom.Path
	}
	assert.Equal(t, deploys["APHEX_OUTPUTS"]+"/outputs", left["outputs"])
	assert.Equal(t, test["APHEX_OUTPUTS"]+"/totals", left["totals"])
}

// stepsOf returns the variables of the two stages of a container.
func stepsOf(t *testing.T, container corev1.Container) (first, second map[string]string) {
	t.Helper()
	var environ []string
	for name, value := range variables(container) {
		environ = append(environ, name+"="+value)
	}
	steps, err := stage.StepsOf(container.Args, environ)
	require.NoError(t, err)
	require.Len(t, steps, 2)
	maps := [2]map[string]string{{}, {}}
	for i, step := range steps {
		for _, entry := range step.Env {
			name, value, _ := strings.Cut(entry, "=")
			maps[i][name] = value
		}
	}
	return maps[0], maps[1]
}

func TestAnEnvironmentWithoutTestsHasOneStage(t *testing.T) {
	template := render(t, "version: \"1.0\"\nenvironments: [{name: dev, account: \"111111111111\", region: eu-west-1, stacks: [{name: Api, path: lib}]}]\n")
	pod := node(t, template, "deployer-environment-111111111111")
	assert.Equal(t, []string{"deployer", "environment"}, pod.Container.Command)
	assert.NotContains(t, variables(*pod.Container), "APHEX_DETAILED_OUTPUTS_FILE")
}

func TestAMovingTagIsPulledEveryTime(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("a", 64)
	for image, want := range map[string]string{
		"public.ecr.aws/aphex/builder:latest": "Always", "localhost:5000/builder": "Always", "builder": "Always",
		"builder:1.2.0": "IfNotPresent", "localhost:5000/builder:1": "IfNotPresent", "builder" + digest: "IfNotPresent",
		"builder:latest" + digest: "IfNotPresent",
	} {
		template := render(t, configuration("dev")+"builderImage: \""+image+"\"\n")
		assert.EqualValues(t, want, commandsOf(node(t, template, "builder"))[0].ImagePullPolicy, image)
		assert.Empty(t, node(t, template, "builder").Container.ImagePullPolicy, "the default of Kubernetes is the same")
	}
}

func TestTheNameOfATemplateFollowsFromItsContent(t *testing.T) {
	one, same, other := render(t, configuration("dev")), render(t, configuration("dev")), render(t, configuration("dev", "prod"))
	assert.Regexp(t, `^aphex-pipeline-template-[0-9a-f]{2}$`, one.Name)
	assert.Equal(t, one.Name, same.Name)
	assert.NotEqual(t, one.Annotations[manifest.AnnotationDigest], other.Annotations[manifest.AnnotationDigest])
}

func TestATakenNameOfAVersionIsSkipped(t *testing.T) {
	cfg, p := planned(t, configuration("dev"))
	objects, err := argo.Objects(cfg, p, place())
	require.NoError(t, err)
	first := find(t, objects, "WorkflowTemplate").Name

	taken := func(name, digest string) bool {
		assert.Regexp(t, `^sha256:[0-9a-f]{64}$`, digest)
		return name == first
	}
	objects, err = argo.ObjectsBeside(cfg, p, place(), taken)
	require.NoError(t, err)
	assert.NotEqual(t, first, find(t, objects, "WorkflowTemplate").Name)

	_, err = argo.ObjectsBeside(cfg, p, place(), func(string, string) bool { return true })
	assert.ErrorContains(t, err, "all 256 versions")
}

func TestATemplateAboveTheSizeLimitIsRefused(t *testing.T) {
	var names []string
	for i := range 2000 {
		names = append(names, fmt.Sprintf("environment-with-a-long-name-%d", i))
	}
	cfg, p := planned(t, configuration(names...))
	_, err := argo.Objects(cfg, p, place())
	require.ErrorContains(t, err, "2000 environments")
	assert.ErrorContains(t, err, "the limit of a cluster is 1048576")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
}

// installed renders a configuration for a pipeline that was installed with images.
func installed(t *testing.T, text, images string) []manifest.Object {
	t.Helper()
	cfg, err := config.Parse(config.File, []byte(text))
	require.NoError(t, err)
	at := place()
	at.Images, err = plan.ParseImages(images)
	require.NoError(t, err)
	p, err := plan.New(cfg, stages.Contracts(), at)
	require.NoError(t, err)
	objects, err := argo.Objects(cfg, p, at)
	require.NoError(t, err)
	return objects
}

func imagesOf(template wfv1.WorkflowTemplate) map[string]string {
	images := map[string]string{}
	for _, node := range template.Spec.Templates {
		containers := []corev1.Container{}
		if node.Container != nil {
			containers = append(containers, *node.Container)
		}
		containers = append(containers, commandsOf(node)...)
		for _, container := range containers {
			images[node.Name+" "+container.Name] = container.Image
		}
	}
	return images
}

func TestTheStagesRunInTheImagesThatThePipelineWasInstalledWith(t *testing.T) {
	sum := "@sha256:" + strings.Repeat("a", 64)
	release := "example.test/aphex:1.4.0 builder" + sum + " deployer" + sum + " tester" + sum + " validator" + sum
	for image, ours := range imagesOf(decoded[wfv1.WorkflowTemplate](t, installed(t, github+configuration("dev"), release), "WorkflowTemplate")) {
		assert.Regexp(t, `^example\.test/aphex/(builder|deployer|tester|validator):1\.4\.0@sha256:a{64}$`, ours, image)
	}
}

// A commit names images of its own: none of them gets to a stage.
func TestAnImageOfTheConfigurationReachesOnlyTheCommands(t *testing.T) {
	text := github + configuration("dev")
	for _, key := range []string{"builderImage", "deployerImage", "testerImage", "validatorImage"} {
		text += key + ": evil.example.test/image:1\n"
	}
	loose := imagesOf(decoded[wfv1.WorkflowTemplate](t, objectsOf(t, text), "WorkflowTemplate"))
	for _, ours := range []string{"validator main", "record main", "reconcile main"} {
		assert.Equal(t, "evil.example.test/image:1", loose[ours], "without installed images the attack succeeds")
	}
	objects := installed(t, text, "example.test/aphex:1.4.0")
	commands := 0
	for container, image := range imagesOf(decoded[wfv1.WorkflowTemplate](t, objects, "WorkflowTemplate")) {
		if strings.HasSuffix(container, " "+argo.Commands) {
			commands++
			assert.Equal(t, "evil.example.test/image:1", image, container)
			continue
		}
		assert.Regexp(t, `^example\.test/aphex/(builder|deployer|validator):1\.4\.0$`, image, container)
	}
	assert.Equal(t, 4, commands)
}

func TestTheNextVersionOfThePipelineHasTheSameImages(t *testing.T) {
	const release = "example.test/aphex:1.4.0"
	template := decoded[wfv1.WorkflowTemplate](t, installed(t, github+configuration("dev"), release), "WorkflowTemplate")
	for _, node := range template.Spec.Templates {
		if node.Container == nil || node.Container.Command[len(node.Container.Command)-1] != "pipeline" {
			continue
		}
		assert.Contains(t, node.Container.Env, corev1.EnvVar{Name: "APHEX_IMAGES", Value: release})
		return
	}
	t.Fatal("no container updates the pipeline")
}

func TestThePolicyAllowsTheImagesOfTheReleaseAlone(t *testing.T) {
	text := github + configuration("dev") + "builderImage: my.example.test/builder:7\n"
	policy := string(find(t, installed(t, text, "example.test/aphex:1.4.0"), "ValidatingAdmissionPolicy").YAML)
	policy = strings.Join(strings.Fields(policy), " ")
	assert.Contains(t, policy, `["example.test/aphex/validator:1.4.0", "example.test/aphex/builder:1.4.0", "example.test/aphex/deployer:1.4.0", "example.test/aphex/tester:1.4.0"].exists(`)
	assert.NotContains(t, policy, "public.ecr.aws")
}

func TestAPodThatWaitsForGatesHoldsNoLockAndOutlivesItsNodes(t *testing.T) {
	gates := strings.ReplaceAll(configuration("dev", "prod"), "region: eu-west-1", `region: eu-west-1, windows: [{days: [mon]}]`)
	for _, text := range []string{gates, inOneAccount(gates)} {
		waits := 0
		for _, node := range render(t, text).Spec.Templates {
			if node.Name != "gate" {
				continue
			}
			waits++
			assert.Nil(t, node.Synchronization, node.Name)
			assert.GreaterOrEqual(t, node.RetryStrategy.Limit.IntValue(), 50, "six days are many nodes")
			assert.Nil(t, node.RetryStrategy.Backoff.Factor, "pauses do not grow to days")
			assert.GreaterOrEqual(t, node.ActiveDeadlineSeconds.IntValue(), 6*24*3600)
		}
		assert.NotZero(t, waits)
	}
}
