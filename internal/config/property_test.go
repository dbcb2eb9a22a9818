package config_test

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/config"
)

func TestAConfigurationThatIsWrittenLoadsAsTheSame(t *testing.T) {
	schema := compileSchema(t)
	rapid.Check(t, func(rt *rapid.T) {
		want := drawConfig(rt)
		source, err := yaml.Marshal(want)
		require.NoError(rt, err)
		got, err := config.Parse("x.yaml", source)
		require.NoError(rt, err, "%s", source)
		require.Equal(rt, want, got)
		// By the library that wrote it: the other one drops a plain << from a list.
		data, err := yaml.YAMLToJSON(source)
		require.NoError(rt, err)
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		require.NoError(rt, err)
		require.NoError(rt, schema.Validate(document))
	})
}

func TestAnyMistypedKeyIsExplained(t *testing.T) {
	keys := []string{"name", "account", "region", "stacks", "tests", "hooks", "requiresApproval", "after", "concurrency", "roleArn", "externalId"}
	rapid.Check(t, func(rt *rapid.T) {
		key := rapid.SampledFrom(keys).Draw(rt, "key")
		at := rapid.IntRange(0, len(key)-2).Draw(rt, "at")
		swapped := key[:at] + key[at+1:at+2] + key[at:at+1] + key[at+2:]
		if swapped == key {
			return
		}
		_, err := config.Parse("x.yaml", []byte(environment(swapped+": x")))
		require.ErrorContains(rt, err, fmt.Sprintf("unknown key %q", swapped))
		require.ErrorContains(rt, err, fmt.Sprintf("did you mean %q?", key))
	})
}

func drawConfig(t *rapid.T) *config.Config {
	c := &config.Config{
		Version:               "1.0",
		Signing:               &config.Signing{KMSKeyARN: "arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012"},
		GithubOwner:           text(t, `[a-z][a-z0-9]{0,10}`),
		GithubRepo:            text(t, `[a-z0-9]{0,5}[a-z][a-z0-9.-]{0,5}x`),
		GithubHost:            text(t, `[a-z]{1,9}(\.[a-z]{2,9}){0,2}(:[0-9]{1,5})?`),
		Checkout:              config.Checkout{Submodules: rapid.Bool().Draw(t, "submodules"), SubmoduleHosts: texts(t, `[a-z]{1,9}\.[a-z]{2,3}`, 0), LFS: rapid.Bool().Draw(t, "lfs")},
		GithubBranch:          text(t, `[a-z][a-z0-9]{0,5}(/[0-9]{1,3}[.x-z]x)?`),
		GithubTokenSecretName: text(t, `[A-Za-z0-9/_+=.@-]{1,30}`),
		ClusterName:           text(t, `[A-Za-z0-9][A-Za-z0-9_-]{0,20}`),
		ClusterExportPrefix:   text(t, `[A-Za-z0-9:-]{1,20}`),
		WorkflowTemplateName:  text(t, `[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?`),
		EventSourceName:       text(t, `[a-z]([a-z0-9-]{0,20}[a-z0-9])?`),
		SensorName:            text(t, `[a-z0-9]{1,20}`),
		ServiceAccountName:    text(t, `[a-z0-9]{1,20}`),
		WorkflowNamePrefix:    text(t, `[a-z][a-z0-9-]{0,20}`),
		ArgoNamespace:         text(t, `[a-z0-9]{1,20}`),
		ArgoEventsNamespace:   text(t, `[a-z0-9]{1,20}`),
		ArtifactBucketName:    text(t, `[a-z0-9][a-z0-9-]{1,20}[a-z]`),
		ArtifactRetentionDays: rapid.IntRange(1, 1<<31-1).Draw(t, "days"),
		WebhookService:        rapid.SampledFrom([]config.WebhookService{config.LoadBalancer, config.NodePort, config.ClusterIP, config.NoService}).Draw(t, "service"),
		RequiredContext:       texts(t, `[!-~]{1,20}`, 0),
		Supersede:             rapid.SampledFrom([]config.Supersede{config.SupersedeWaiting, config.SupersedeNever}).Draw(t, "supersede"),
		Triggers:              config.Triggers{Paths: texts(t, `[a-z*?]{1,9}(/[a-z .]{1,8}[a-z])?`, 0), Tags: texts(t, `[a-z*?0-9]{1,9}`, 0), Timezone: "UTC"},
		PullRequests:          config.PullRequests{Plan: rapid.SampledFrom([]config.PullRequestPlan{config.PlanTemplate, config.PlanOff}).Draw(t, "pull requests")},
		SelfUpdate:            config.SelfUpdate{OnFailure: rapid.SampledFrom([]config.OnFailure{config.Continue, config.Stop}).Draw(t, "onFailure")},
		Build:                 config.Build{Commands: texts(t, `[ -~\n]{0,20}[!-~]`, 0), Artifacts: texts(t, `[a-z*]{1,9}(/[a-z .]{1,8}[a-z])?`, 1), Timeout: config.Timeout(text(t, `([1-9]h|1[0-9]h[1-9]m|[1-9][0-9]?m|[1-9][0-9]{0,3}s)`))},
		Metrics:               rapid.Bool().Draw(t, "metrics"),
		Stacks:                drawStacks(t),
		PodLimits: config.PodLimits{
			Memory: text(t, `[1-9][0-9]{3}(Mi|Gi)`), Storage: text(t, `[1-9][0-9]{3}(Mi|Gi)`),
		},
	}
	for i, fields := 0, reflect.ValueOf(c).Elem(); i < fields.NumField(); i++ {
		if fields.Type().Field(i).Tag.Get("rule") == "image" {
			fields.Field(i).SetString(text(t, `[a-z0-9]{1,9}(/[a-z0-9]{1,9})?(:[a-z0-9]{1,9})?`))
		}
	}
	if rapid.Bool().Draw(t, "pipeline stack") {
		c.PipelineStack = &config.Stack{Name: "Pipeline", Path: "pipeline"}
	}
	if rapid.Bool().Draw(t, "schedule") {
		c.ReconcileSchedule = fmt.Sprintf("%d */%d * 1-12 *", rapid.IntRange(0, 59).Draw(t, "minute"), rapid.IntRange(1, 23).Draw(t, "hours"))
	}
	if rapid.Bool().Draw(t, "cache") {
		c.Build.Cache = &config.Cache{Paths: []string{"~/." + text(t, `[a-z ]{0,8}[a-z]`), "x/" + text(t, `[a-z*]{1,9}`)}, Key: texts(t, `[a-z*]{1,9}(/[a-z .]{1,8}[a-z])?`, 1)}
	}
	if rapid.Bool().Draw(t, "nightly") {
		c.Triggers.Schedule, c.Triggers.Timezone = "0 3 * * 1-5", rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "Asia/Kathmandu"}).Draw(t, "timezone")
	}
	for i := range rapid.IntRange(1, 5).Draw(t, "environments") {
		c.Environments = append(c.Environments, drawEnvironment(t, i, c.Stacks))
	}
	return c
}

// drawStacks makes stacks that depend on earlier ones only.
func drawStacks(t *rapid.T) []config.Stack {
	var stacks []config.Stack
	for i := range rapid.IntRange(1, 5).Draw(t, "stacks") {
		stack := config.Stack{Name: fmt.Sprintf("S%d", i), Path: text(t, `[a-z]{1,5}(/[a-z]{1,5}\.ts)?`)}
		if i > 0 && rapid.Bool().Draw(t, "depends") {
			stack.DependsOn = []string{fmt.Sprintf("S%d", rapid.IntRange(0, i-1).Draw(t, "on"))}
		}
		stacks = append(stacks, stack)
	}
	return stacks
}

func drawEnvironment(t *rapid.T, i int, stacks []config.Stack) config.Environment {
	env := config.Environment{
		Name:             fmt.Sprintf("e%d", i),
		Account:          text(t, `[0-9]{12}`),
		Region:           rapid.SampledFrom([]string{"eu-west-1", "us-gov-west-1", "cn-north-1"}).Draw(t, "region"),
		Stacks:           stacks[:rapid.IntRange(1, len(stacks)).Draw(t, "of")],
		Hooks:            config.Hooks{PreDeploy: texts(t, `[ -~]{0,9}[!-~]`, 0), PostDeploy: texts(t, `[0-9]{1,3}|true|null|~|yes`, 0)},
		RequiresApproval: rapid.Bool().Draw(t, "approval"), RequireProvenance: rapid.Bool().Draw(t, "provenance"),
		After:       []string{},
		Concurrency: rapid.IntRange(1, 100).Draw(t, "concurrency"),
	}
	env.BootstrapQualifiers = rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Za-z0-9_-]{1,10}`), 1, 3, rapid.ID).Draw(t, "qualifiers")
	env.OnFailure = rapid.SampledFrom([]config.StackFailure{config.RollBackStack, config.StopStack}).Draw(t, "onFailure")
	env.ImportExistingResources = rapid.Bool().Draw(t, "import")
	env.OnRemovedStack = rapid.SampledFrom([]config.RemovedStack{config.ReportRemoved, config.DestroyRemoved}).Draw(t, "onRemovedStack")
	if env.OnFailure == config.RollBackStack && rapid.Bool().Draw(t, "alarms") {
		env.RollbackAlarms = []string{}
		if rapid.Bool().Draw(t, "alarm") {
			env.RollbackAlarms = []string{"arn:aws:cloudwatch:" + env.Region + ":" + env.Account + ":alarm:" + text(t, `[ -~]{0,9}[!-~]`)}
			env.MonitoringMinutes = rapid.IntRange(0, 180).Draw(t, "monitoring")
		}
	}
	if rapid.Bool().Draw(t, "values") {
		env.Parameters = map[string]config.Parameter{
			"P" + text(t, `[A-Za-z0-9]{0,9}`): {Value: text(t, `[ -~]{0,9}`)}, "S-" + text(t, `[a-z]{1,9}`): {OfStack: map[string]string{"K": text(t, `[0-9]{1,9}|true|null|~|`)}},
		}
		env.Context = map[string]any{"a:b": text(t, `[ -~]{0,9}`), "n": float64(rapid.IntRange(-9, 9).Draw(t, "number")), "deep": map[string]any{"list": []any{true, nil, "x"}}}
		env.Env = map[string]string{"V_" + text(t, `[A-Z0-9]{0,9}`): text(t, `[ -~]{0,9}`)}
		env.NotificationARNs = []string{"arn:aws:sns:eu-west-1:111111111111:" + text(t, `[A-Za-z0-9_-]{1,9}`)}
	}
	if rapid.Bool().Draw(t, "gates") {
		env.Windows = []config.Window{{Days: []string{"mon-thu", "sat"}, From: "0" + text(t, `[0-9]:[0-5][0-9]`), To: "24:00", Timezone: "Europe/Berlin"}}
		env.Freezes = []config.Freeze{{From: "2026-12-" + text(t, `1[0-9]`), Until: "2027-01-04T09:00", Why: text(t, `[ -~]{0,9}[!-~]`), Timezone: "UTC"}}
	}
	if rapid.Bool().Draw(t, "tests") {
		env.Tests = &config.Tests{Commands: texts(t, `[ -~]{0,9}[!-~]`, 1), Env: map[string]string{"V_" + text(t, `[A-Z0-9]{0,9}`): text(t, `[ -~]{0,9}`)}}
	}
	if i > 0 {
		env.After = []string{fmt.Sprintf("e%d", rapid.IntRange(0, i-1).Draw(t, "after"))}
	}
	if rapid.Bool().Draw(t, "role") {
		env.RoleARN = fmt.Sprintf("arn:%s:iam::%s:role/%s", env.Partition(), env.Account, text(t, `[A-Za-z0-9+=,.@-]{1,20}`))
		env.ExternalID = text(t, `[A-Za-z0-9+=,.@:/-]{2,20}`)
	}
	return env
}

func text(t *rapid.T, pattern string) string {
	return rapid.StringMatching(pattern).Draw(t, pattern)
}

// texts draws a list, or nil for one that would be empty.
func texts(t *rapid.T, pattern string, least int) []string {
	drawn := rapid.SliceOfN(rapid.StringMatching(pattern), least, 4).Draw(t, pattern)
	if len(drawn) == 0 {
		return nil
	}
	return drawn
}
