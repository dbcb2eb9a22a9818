package validate

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	eventsv1 "github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	"github.com/argoproj/argo-events/pkg/reconciler/sensor"
	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v3/workflow/util"
	"github.com/argoproj/argo-workflows/v3/workflow/validate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scratch is a folder that lives as long as the tests.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "validate-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// generator builds the program that renders, once.
var generator = sync.OnceValues(func() (string, error) {
	program := filepath.Join(scratch, "generator")
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, "./cmd/generator")
	build.Dir = "../../.."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the generator: %w: %s", err, out)
	}
	return program, nil
})

// rendered returns the objects of a configuration as the generator prints them.
func rendered(t *testing.T, text string) []object {
	t.Helper()
	return split(t, printed(t, text))
}

// printed is what the generator prints for a configuration.
func printed(t *testing.T, text string) []byte {
	t.Helper()
	program, err := generator()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "aphex-config.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	render := exec.Command(program, "render", "-c", file)
	var problems bytes.Buffer
	render.Stderr = &problems
	stream, err := render.Output()
	require.NoError(t, err, problems.String())
	return stream
}

const head = "version: \"1.0\"\ngithubOwner: my-org\ngithubRepo: my-app\nclusterName: company\n"

// environment declares the one with that number, and more of it.
func environment(number int, more string) string {
	return fmt.Sprintf("  - {name: env-%03d, account: \"%012d\", region: eu-west-1, stacks: [{name: Api, path: lib}]%s}\n", number, 100+number, more)
}

func environments(count int, more func(number int) string) string {
	text := "environments:\n"
	for number := range count {
		text += environment(number, more(number))
	}
	return text
}

func nothing(int) string { return "" }

// inWaves has three environments start at once, after the three before them.
func inWaves(number int) string {
	var after []string
	for before := number/3*3 - 3; before >= 0 && before < number/3*3; before++ {
		after = append(after, fmt.Sprintf("env-%03d", before))
	}
	return ", after: [" + strings.Join(after, ", ") + "]"
}

func withEverything(number int) string {
	return inWaves(number) + ", requiresApproval: true, tests: {commands: [npm test]}, hooks: {preDeploy: [a], postDeploy: [b]}, concurrency: 2"
}

// large declares 200 environments of 50 stacks each.
func large() string {
	var stacks, names []string
	for number := range 50 {
		names = append(names, fmt.Sprintf("Stack%02d", number))
		stacks = append(stacks, fmt.Sprintf("  - {name: Stack%02d, path: lib/stack-%02d.ts}\n", number, number))
	}
	text := head + "stacks:\n" + strings.Join(stacks, "") + environments(200, withEverything)
	return strings.ReplaceAll(text, "{name: Api, path: lib}", strings.Join(names, ", "))
}

// configurations are those beside the golden ones.
func configurations() map[string]string {
	all := map[string]string{
		"200 environments of 50 stacks":  large(),
		"no reconciler":                  head + "reconcileSchedule: \"\"\n" + environments(1, nothing),
		"one namespace for everything":   head + "argoNamespace: ci\nargoEventsNamespace: ci\n" + environments(2, withEverything),
		"the longest names":              head + longest() + environments(2, nothing),
		"a branch with an odd name":      head + "githubBranch: 'a;$(id)\"'\n" + environments(1, nothing),
		"no repository, for a local run": "version: \"1.0\"\n" + environments(2, withEverything),
		"images by their digests":        head + "builderImage: example.test/b@sha256:" + strings.Repeat("0", 64) + "\n" + environments(1, nothing),
		"the partition of China":         head + strings.ReplaceAll(environments(2, nothing), "eu-west-1", "cn-northwest-1"),
		"the partition of a government":  head + strings.ReplaceAll(environments(2, nothing), "eu-west-1", "us-gov-east-1"),
	}
	for count := 1; count <= 12; count++ {
		all[fmt.Sprintf("%d environments in order", count)] = head + environments(count, nothing)
		all[fmt.Sprintf("%d environments in waves", count)] = head + environments(count, withEverything)
	}
	return all
}

func longest() string {
	name := func(length int) string { return "a" + strings.Repeat("b", length-1) }
	return "workflowTemplateName: " + name(52) + "\neventSourceName: " + name(47) + "\nsensorName: " + name(63) +
		"\nserviceAccountName: " + name(63) + "\nworkflowNamePrefix: " + name(23) + "\n"
}

func TestArgoAcceptsWhatTheGeneratorPrintsForAnySizeAndShape(t *testing.T) {
	for name, text := range configurations() {
		t.Run(name, func(t *testing.T) {
			objects := rendered(t, text)
			template, found := decode[wfv1.WorkflowTemplate](t, objects, "WorkflowTemplate")
			require.True(t, found)
			require.NoError(t, validate.ValidateWorkflowTemplate(templates{&template}, nil, &template, nil, validate.ValidateOpts{}))
			require.NoError(t, validate.ValidateWorkflow(templates{&template}, nil, probeOf(template), nil, validate.ValidateOpts{}))
			if cron, found := decode[wfv1.CronWorkflow](t, objects, "CronWorkflow"); found {
				require.NoError(t, validate.ValidateCronWorkflow(t.Context(), templates{&template}, nil, &cron, nil))
			}
			if s, found := decode[eventsv1.Sensor](t, objects, "Sensor"); found {
				bus := &eventsv1.EventBus{Spec: eventsv1.EventBusSpec{JetStream: &eventsv1.JetStreamBus{}}}
				require.NoError(t, sensor.ValidateSensor(&s, bus))
				run := submitted(t, s, "push")
				run.Name += commit[:32]
				require.NoError(t, validate.ValidateWorkflow(templates{&template}, nil, &run, nil, validate.ValidateOpts{}))
				resumed := resumes(run)
				require.LessOrEqual(t, len(resumed.Name), 63)
				require.NoError(t, util.ValidateUserOverrides(&resumed.Spec))
				require.NoError(t, validate.ValidateWorkflow(templates{&template}, nil, resumed, nil, validate.ValidateOpts{}))
			}
			checkSchemas(t, objects)
			accounts := map[string]bool{} // each has a template with its own identity
			for _, node := range template.Spec.Templates {
				accounts[node.ServiceAccountName] = true
			}
			assert.Less(t, len(template.Spec.Templates)-len(accounts), 15, "one a stage and account, however many environments there are")
		})
	}
}
