package localrun_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/localrun"
)

// head is the start of a template, before its graph.
const head = `
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: shop}
spec:
  entrypoint: run
  arguments: {parameters: [{name: commit}]}
  templates:
`

// shell returns a template that runs a script with the value of IN.
func shell(name, script, extra string) string {
	return `
  - name: ` + name + `
    inputs: {parameters: [{name: in, value: ""}]}
    outputs: {parameters: [{name: out, valueFrom: {path: /aphex/out, default: none}}]}
    volumes: [{name: aphex, emptyDir: {}}]
    ` + extra + `
    container:
      image: example.test/shell
      command: [sh]
      args: ["-c", "` + script + `"]
      env: [{name: IN, value: "{{inputs.parameters.in}}"}, {name: OUT, value: /aphex/out}]
      volumeMounts: [{name: aphex, mountPath: /aphex}]
`
}

func dag(tasks string) string { return "  - name: run\n    dag:\n      tasks:\n" + tasks }

type harness struct {
	mu     sync.Mutex
	log    bytes.Buffer
	events []string
	dir    string
}

func (h *harness) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.Write(p)
}
func (*harness) Close() error { return nil }

func (h *harness) options(t *testing.T) localrun.Options {
	h.dir = t.TempDir()
	return localrun.Options{
		Name: "shop-1", Parameters: map[string]string{"commit": "0123"}, Dir: h.dir,
		Env:     []string{"PATH=" + os.Getenv("PATH")},
		Program: exec.LookPath,
		Approve: func(context.Context, string) error { return nil },
		Log:     func(string) (io.WriteCloser, error) { return h, nil },
		Observe: func(e localrun.Event) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.events = append(h.events, e.Step+" "+string(e.Kind))
		},
	}
}

func run(t *testing.T, h *harness, template string, change ...func(*localrun.Options)) (localrun.Result, error) {
	t.Helper()
	parsed, err := localrun.Parse([]byte(head + template))
	require.NoError(t, err)
	options := h.options(t)
	for _, c := range change {
		c(&options)
	}
	return localrun.Run(context.Background(), parsed, options)
}

func statuses(r localrun.Result) map[string]localrun.Status {
	all := map[string]localrun.Status{}
	for _, step := range r.Steps {
		all[step.Name] = step.Status
	}
	return all
}

func TestAStepHasTheIdentityOfWhoeverStartsTheRunAndNotThatOfItsPod(t *testing.T) {
	var h harness
	template := `
  - name: identity
    container:
      image: example.test/shell
      command: [sh]
      args: ["-c", "echo role=$AWS_ROLE_ARN file=$AWS_WEB_IDENTITY_TOKEN_FILE"]
      env: [{name: AWS_ROLE_ARN, value: "arn:aws:iam::111111111111:role/pod"}, {name: AWS_WEB_IDENTITY_TOKEN_FILE, value: /var/run/token/token}]
      volumeMounts: [{name: aphex, mountPath: /aphex}, {name: token, mountPath: /var/run/token, readOnly: true}]
    volumes:
    - {name: aphex, emptyDir: {sizeLimit: 1Gi}}
    - {name: token, projected: {sources: [{serviceAccountToken: {path: token}}]}}
`
	got, err := run(t, &h, dag("      - {name: first, template: identity}\n")+template, func(o *localrun.Options) {
		o.Env = append(o.Env, "AWS_ROLE_ARN=mine")
	})
	require.NoError(t, err)
	require.Equal(t, localrun.Succeeded, got.Status)
	assert.Equal(t, "role=mine file=\n", h.log.String())
	assert.NoDirExists(t, filepath.Join(h.dir, "first", "token"))
}

func TestAnOutputBecomesTheInputOfALaterStep(t *testing.T) {
	var h harness
	got, err := run(t, &h, dag(`
      - {name: first, template: write, arguments: {parameters: [{name: in, value: "{{workflow.parameters.commit}}"}]}}
      - {name: second, template: write, dependencies: [first], arguments: {parameters: [{name: in, value: "{{tasks.first.outputs.parameters.out}}"}]}}
`)+shell("write", "echo got $IN > $OUT", ""))

	require.NoError(t, err)
	require.Equal(t, localrun.Succeeded, got.Status, h.log.String())
	assert.Equal(t, "got 0123\n", got.Steps[0].Outputs["out"])
	assert.Equal(t, "got got 0123\n", got.Steps[1].Outputs["out"])
	assert.Equal(t, []string{"first started", "first finished", "second started", "second finished"}, h.events)
}

func TestExpressionsAndShellTextInValuesStayAsTheyAre(t *testing.T) {
	for _, hostile := range []string{"{{workflow.name}}", "{{=1+1}}", `zzz";echo${IFS}"hello";#`, "$(id)", "`id`", "a\nb", `"}], "args": ["echo nope"]`} {
		var h harness
		got, err := run(t, &h, dag(`
      - {name: only, template: write, arguments: {parameters: [{name: in, value: "{{workflow.parameters.commit}}"}]}}
`)+shell("write", "printf %s \\\"$IN\\\" > $OUT", ""), func(o *localrun.Options) { o.Parameters["commit"] = hostile })

		require.NoError(t, err, hostile)
		assert.Equal(t, hostile, got.Steps[0].Outputs["out"])
	}
}

func TestAFailureStartsNothingNewAndIsPassedToTheExitHandler(t *testing.T) {
	var h harness
	template := strings.Replace(head, "entrypoint: run", "entrypoint: run\n  onExit: exit", 1) + dag(`
      - {name: first, template: fail}
      - {name: second, template: fail, dependencies: [first]}
`) + shell("fail", "exit 3", "") + `
  - name: exit
    container: {image: i, command: [sh, -c, 'echo "$STATUS $FAILURES"'], env: [{name: STATUS, value: "{{workflow.status}}"}, {name: FAILURES, value: "{{workflow.failures}}"}]}
`
	parsed, err := localrun.Parse([]byte(template))
	require.NoError(t, err)
	got, err := localrun.Run(context.Background(), parsed, h.options(t))

	require.NoError(t, err)
	assert.Equal(t, localrun.Failed, got.Status)
	assert.Equal(t, map[string]localrun.Status{"first": "Failed", "second": "Omitted", "exit": "Succeeded"}, statuses(got))
	assert.Equal(t, 3, got.Steps[0].ExitCode)
	assert.Contains(t, h.log.String(), `Failed "[{\"displayName\":\"first\",\"message\":\"Error (exit code 3)\"`)
	assert.DirExists(t, got.Steps[0].Volume, "the volume of a failed step is kept")
}

// The message of a failed step can have any text, and stays JSON when it is made literal.
func TestFailuresAreMadeLiteralForTheExitHandler(t *testing.T) {
	var h harness
	template := strings.Replace(head, "entrypoint: run", "entrypoint: run\n  onExit: exit", 1) + dag("      - {name: '$(STATUS)', template: fail}\n") + shell("fail", "exit 3", "") + `
  - name: exit
    container: {image: i, command: [sh, -c, 'echo "$STATUS $FAILURES"'], env: [{name: STATUS, value: "{{workflow.status}}"}, {name: FAILURES, value: '{{=sprig.replace("$", "$$", sprig.replace("{", "{ ", workflow.failures))}}'}]}
`
	parsed, err := localrun.Parse([]byte(template))
	require.NoError(t, err)
	_, err = localrun.Run(context.Background(), parsed, h.options(t))
	require.NoError(t, err)
	assert.Contains(t, h.log.String(), `Failed "[{ \"displayName\":\"$(STATUS)\",\"message\":\"Error (exit code 3)\"`)
}

func TestAnExitHandlerMayBeAGraphWhoseStepsDependOnTheEntrypoint(t *testing.T) {
	template := strings.Replace(head, "entrypoint: run", "entrypoint: run\n  onExit: exit", 1) + dag("      - {name: a, template: b}\n") +
		"  - {name: exit, dag: {tasks: [{name: record, template: b, when: \"'{{workflow.mainEntrypoint}}' != 'watch'\"}]}}\n" +
		"  - {name: watch, dag: {tasks: [{name: look, template: b}]}}\n" + shell("b", "true", "")
	for entrypoint, want := range map[string]map[string]localrun.Status{
		"":      {"a": localrun.Succeeded, "record": localrun.Succeeded},
		"watch": {"look": localrun.Succeeded, "record": localrun.Skipped},
	} {
		var h harness
		parsed, err := localrun.Parse([]byte(template))
		require.NoError(t, err)
		options := h.options(t)
		options.Entrypoint = entrypoint
		got, err := localrun.Run(context.Background(), parsed, options)
		require.NoError(t, err)
		assert.Equal(t, want, statuses(got))
	}
}

func TestOnlyWhatTheRetryStrategyNamesIsRetried(t *testing.T) {
	retry := `retryStrategy: {limit: "2", retryPolicy: Always, expression: "asInt(lastRetry.exitCode) == 75", backoff: {duration: "0", factor: 2}}`
	for script, attempts := range map[string]int{"exit 75": 3, "exit 1": 1, "exit 0": 1} {
		var h harness
		got, err := run(t, &h, dag("      - {name: only, template: try}\n")+shell("try", script, retry))
		require.NoError(t, err)
		assert.Equal(t, attempts, got.Steps[0].Attempts, script)
	}
}

func TestAConditionThatDoesNotHoldSkipsTheStepButNotThoseAfterIt(t *testing.T) {
	var h harness
	got, err := run(t, &h, dag(`
      - {name: first, template: write}
      - {name: second, template: write, dependencies: [first], when: "'{{tasks.first.outputs.parameters.out}}' == 'yes'"}
      - {name: third, template: write, dependencies: [second], arguments: {parameters: [{name: in, value: "{{tasks.second.outputs.parameters.out}}"}]}}
`)+shell("write", "printf no$IN > $OUT", ""))

	require.NoError(t, err)
	assert.Equal(t, map[string]localrun.Status{"first": "Succeeded", "second": "Skipped", "third": "Succeeded"}, statuses(got))
	assert.Equal(t, "nonone", got.Steps[2].Outputs["out"])
}

func TestAPauseAsksAndARefusalStopsTheRun(t *testing.T) {
	var h harness
	refuse := func(o *localrun.Options) {
		o.Approve = func(_ context.Context, step string) error { return errors.New("not approved: " + step) }
	}
	got, err := run(t, &h, dag(`
      - {name: approve-prod, template: approve}
      - {name: deploy, template: write, dependencies: [approve-prod]}
`)+"  - {name: approve, suspend: {}}\n"+shell("write", "true", ""), refuse)

	require.NoError(t, err)
	assert.Equal(t, map[string]localrun.Status{"approve-prod": "Error", "deploy": "Omitted"}, statuses(got))
	assert.Equal(t, "not approved: approve-prod", got.Steps[0].Message)
}

func TestACancelledRunStopsItsProcessesAndRunsTheExitHandler(t *testing.T) {
	var h harness
	parsed, err := localrun.Parse([]byte(strings.Replace(head, "entrypoint: run", "entrypoint: run\n  onExit: exit", 1) +
		dag("      - {name: only, template: sleep}\n") + shell("sleep", "echo ready; sleep 60", "") +
		"  - {name: exit, container: {image: i, command: [sh, -c, 'echo exit handler ran']}}\n"))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	options := h.options(t)
	observe := options.Observe
	options.Observe = func(e localrun.Event) {
		observe(e)
		if e.Kind == localrun.Started && e.Step == "only" {
			time.AfterFunc(50*time.Millisecond, cancel)
		}
	}
	started := time.Now()
	got, err := localrun.Run(ctx, parsed, options)

	require.NoError(t, err)
	assert.Less(t, time.Since(started), 30*time.Second)
	assert.Equal(t, 143, got.Steps[0].ExitCode)
	assert.Contains(t, h.log.String(), "exit handler ran")
}

// stopped runs a template whose exit handler logs the state of the run, and stops the run
// at an event of a step.
func stopped(t *testing.T, template, step string, at localrun.EventKind, change ...func(*localrun.Options)) (localrun.Result, string) {
	t.Helper()
	var h harness
	parsed, err := localrun.Parse([]byte(strings.Replace(head, "entrypoint: run", "entrypoint: run\n  onExit: exit", 1) + template +
		"  - {name: exit, container: {image: i, command: [sh, -c, 'printenv STATUS FAILURES'], env: [{name: STATUS, value: '{{workflow.status}}'}, {name: FAILURES, value: '{{workflow.failures}}'}]}}\n"))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	options := h.options(t)
	options.Approve = func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
	options.Observe = func(e localrun.Event) {
		if e.Step == step && e.Kind == at {
			cancel()
		}
	}
	for _, c := range change {
		c(&options)
	}
	got, err := localrun.Run(ctx, parsed, options)
	require.NoError(t, err)
	return got, h.log.String()
}

func TestARunStoppedByTheUserHasNotFailed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		template string
		step     string
		at       localrun.EventKind
		steps    map[string]localrun.Status
		message  string
	}{
		"in a step":   {dag("      - {name: a, template: b}\n      - {name: z, template: b, dependencies: [a]}\n") + shell("b", "sleep 60", ""), "a", localrun.Started, map[string]localrun.Status{"a": "Stopped", "z": "Omitted"}, "stopped"},
		"at a gate":   {dag("      - {name: a, template: b}\n") + "  - {name: b, suspend: {}}\n", "a", localrun.Waiting, map[string]localrun.Status{"a": "Stopped"}, "stopped"},
		"in a pause":  {dag("      - {name: a, template: b}\n") + "  - {name: b, suspend: {duration: 1m}}\n", "a", localrun.Waiting, map[string]localrun.Status{"a": "Stopped"}, "stopped"},
		"in a set":    {dag("      - {name: a, template: two}\n") + two("true", "sleep 60", ""), "a-tester", localrun.Started, map[string]localrun.Status{"a": "Succeeded", "a-tester": "Stopped"}, "stopped"},
		"in between":  {dag("      - {name: a, template: b}\n      - {name: z, template: b, dependencies: [a]}\n") + shell("b", "true", ""), "a", localrun.Finished, map[string]localrun.Status{"a": "Succeeded", "z": "Omitted"}, ""},
		"in a retry":  {dag("      - {name: a, template: b}\n") + shell("b", "exit 75", "retryStrategy: {limit: 3, backoff: {duration: 1m}}"), "a", localrun.Retrying, map[string]localrun.Status{"a": "Stopped"}, "stopped before another attempt: Error (exit code 75)"},
		"in a branch": {dag("      - {name: a, template: inner}\n") + "  - {name: inner, dag: {tasks: [{name: i, template: b}]}}\n" + shell("b", "sleep 60", ""), "i", localrun.Started, map[string]localrun.Status{"i": "Stopped"}, "stopped"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, log := stopped(t, c.template, c.step, c.at, called)
			assert.Equal(t, localrun.Stopped, got.Status)
			all := statuses(got)
			assert.Equal(t, localrun.Succeeded, all["exit"])
			delete(all, "exit")
			assert.Equal(t, c.steps, all)
			for _, step := range got.Steps {
				if step.Status == localrun.Stopped {
					assert.Equal(t, c.message, step.Message)
					assert.Contains(t, log, "workflow shutdown with strategy: Stop", "Argo's message after argo stop")
				}
				assert.NotContains(t, step.Message, "canceled")
			}
			assert.Regexp(t, "^Failed\n", log, "Argo has no other status")
		})
	}
}

func TestAnUnsupportedFeatureIsAnErrorThatNamesIt(t *testing.T) {
	for name, template := range map[string]string{
		`unknown field "parallelism"`:        strings.Replace(head, "entrypoint: run", "entrypoint: run\n  parallelism: 3", 1) + dag("      - {name: a, template: b}\n"),
		`unknown field "script"`:             head + dag("      - {name: a, template: b}\n") + "  - {name: b, script: {source: 'x'}}\n",
		`unknown field "depends"`:            head + dag("      - {name: a, template: b, depends: c.Succeeded}\n"),
		`unknown field "secretKeyRef"`:       head + dag("      - {name: a, template: b}\n") + "  - {name: b, container: {image: i, command: [x], env: [{name: A, secretKeyRef: {}}]}}\n",
		"neither a container, a pause nor":   head + dag("      - {name: a, template: b}\n"),
		"the entrypoint \"run\" is not a gr": head + "  - {name: b, suspend: {}}\n",
	} {
		_, err := localrun.Parse([]byte(template))
		assert.ErrorContains(t, err, name)
	}
}

func TestBrokenWiringIsAnErrorNotAFailedStep(t *testing.T) {
	for want, tasks := range map[string]string{
		"cannot resolve {{tasks.gone.outputs.parameters.out}}": `      - {name: a, template: b, arguments: {parameters: [{name: in, value: "{{tasks.gone.outputs.parameters.out}}"}]}}` + "\n",
		`there is no parameter "nope"`:                         `      - {name: a, template: b, arguments: {parameters: [{name: nope, value: x}]}}` + "\n",
		"circular dependency":                                  "      - {name: a, template: b, dependencies: [c]}\n      - {name: c, template: b, dependencies: [a]}\n",
	} {
		var h harness
		_, err := run(t, &h, dag(tasks)+shell("b", "true", ""))
		assert.ErrorContains(t, err, want)
	}
	var h harness
	_, err := run(t, &h, dag("      - {name: a, template: b}\n")+shell("b", "true", ""), func(o *localrun.Options) { o.Parameters = nil })
	assert.ErrorContains(t, err, `the parameter "commit" has no value`)
}

func TestAStepIsStoppedAtItsDeadline(t *testing.T) {
	var h harness
	got, err := run(t, &h, dag("      - {name: a, template: b}\n")+shell("b", "sleep 60", "activeDeadlineSeconds: 1"))
	require.NoError(t, err)
	assert.Equal(t, localrun.Failed, got.Steps[0].Status)
	assert.Contains(t, got.Steps[0].Message, "the deadline of the step")
}

func TestAnotherEntrypointOfTheTemplateCanBeRun(t *testing.T) {
	var h harness
	got, err := run(t, &h, dag("      - {name: a, template: b}\n")+"  - {name: check, dag: {tasks: [{name: only, template: b}]}}\n"+shell("b", "true", ""),
		func(o *localrun.Options) { o.Entrypoint = "check" })
	require.NoError(t, err)
	assert.Equal(t, map[string]localrun.Status{"only": localrun.Succeeded}, statuses(got))
}

func TestStepsKeepTheHomeOfThisMachineWithItsCaches(t *testing.T) {
	home := `env: [{name: HOME, value: /aphex/home}, {name: OUT, value: /aphex/out}]`
	template := strings.Replace(dag("      - {name: a, template: b}\n")+shell("b", "printf $HOME > $OUT", ""),
		`env: [{name: IN, value: "{{inputs.parameters.in}}"}, {name: OUT, value: /aphex/out}]`, home, 1)
	for _, given := range []string{"HOME=/home/me", "OTHER=1"} {
		var h harness
		got, err := run(t, &h, template, func(o *localrun.Options) { o.Env = append(o.Env, given) })
		require.NoError(t, err)
		if given == "HOME=/home/me" {
			assert.Equal(t, "/home/me", got.Steps[0].Outputs["out"])
		} else {
			assert.Equal(t, filepath.Join(h.dir, "a", "aphex", "home"), got.Steps[0].Outputs["out"])
		}
	}
}

func TestTheVolumesOfAStepThatSucceededAreRemoved(t *testing.T) {
	var h harness
	got, err := run(t, &h, dag("      - {name: a, template: b}\n")+shell("b", "echo x > big", ""))
	require.NoError(t, err)
	assert.Equal(t, localrun.Succeeded, got.Status)
	assert.NoDirExists(t, filepath.Join(h.dir, "a"))
}
