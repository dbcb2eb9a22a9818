package localrun_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/localrun"
)

// two returns a template of two containers that run one after the other.
func two(first, second, extra string) string {
	container := func(name, script string) string {
		return `
      - name: ` + name + `
        image: example.test/shell
        command: [sh]
        args: ["-c", "` + script + `"]
        env: [{name: SHARED, value: /aphex/shared}, {name: OUT, value: /aphex/out}]`
	}
	return `
  - name: two
    outputs: {parameters: [{name: out, valueFrom: {path: /aphex/out, default: none}}]}
    volumes: [{name: aphex, emptyDir: {}}]
    ` + extra + `
    containerSet:
      volumeMounts: [{name: aphex, mountPath: /aphex}]
      containers:` + container("main", first) + container("tester", second) + `
        dependencies: [main]
`
}

const afterTwo = `
      - {name: deploy, template: two}
      - {name: next, template: write, dependencies: [deploy], arguments: {parameters: [{name: in, value: "{{tasks.deploy.outputs.parameters.out}}"}]}}
`

// called names the steps.
func called(o *localrun.Options) {
	o.Step = func(task, container string) string { return task + "-" + container }
}

func TestContainersOfOnePodRunInOrderAndShareItsVolumes(t *testing.T) {
	var h harness
	got, err := run(t, &h, dag(afterTwo)+two("echo handed on > $SHARED", "cat $SHARED > $OUT", "")+shell("write", "echo got $IN > $OUT", ""), called)

	require.NoError(t, err)
	require.Equal(t, localrun.Succeeded, got.Status, h.log.String())
	assert.Equal(t, map[string]localrun.Status{"deploy": "Succeeded", "deploy-tester": "Succeeded", "next": "Succeeded"}, statuses(got))
	assert.Equal(t, "got handed on\n", got.Steps[2].Outputs["out"], "the outputs of all containers")
	assert.Equal(t, []string{
		"deploy started", "deploy finished", "deploy-tester started", "deploy-tester finished", "next started", "next finished",
	}, h.events)
	assert.NoDirExists(t, got.Steps[0].Volume)
	for _, step := range got.Steps {
		assert.Empty(t, step.Message, "%s succeeded", step.Name)
	}
}

func TestAContainerThatNeverStartedIsOmitted(t *testing.T) {
	var h harness
	var opened []string
	got, err := run(t, &h, dag(afterTwo)+two("exit 3", "true", "")+shell("write", "true", ""), called, func(o *localrun.Options) {
		o.Log = func(step string) (io.WriteCloser, error) { opened = append(opened, step); return &h, nil }
	})

	require.NoError(t, err)
	assert.Equal(t, localrun.Failed, got.Status)
	assert.Equal(t, map[string]localrun.Status{"deploy": "Failed", "deploy-tester": "Omitted", "next": "Omitted"}, statuses(got))
	assert.Equal(t, "not started: deploy", got.Steps[1].Message)
	assert.Equal(t, 3, got.Steps[0].ExitCode)
	assert.Equal(t, []string{"deploy"}, opened, "a container that never started has no log")
}

func TestAFailureOfTheSecondContainerFailsTheTask(t *testing.T) {
	var h harness
	got, err := run(t, &h, dag(afterTwo)+two("true", "exit 4", "")+shell("write", "true", ""), called)

	require.NoError(t, err)
	assert.Equal(t, map[string]localrun.Status{"deploy": "Succeeded", "deploy-tester": "Failed", "next": "Omitted"}, statuses(got))
	assert.Equal(t, 4, got.Steps[1].ExitCode)
	assert.DirExists(t, got.Steps[1].Volume, "the volume of a failed step is kept")
}

func TestAPodIsRetriedWholeByTheExitCodeOfItsFirstContainer(t *testing.T) {
	for expression, attempts := range map[string]int{
		`asInt(lastRetry.exitCode) == 75`:                                 1,
		`lastRetry.message matches \"^[a-z]+: Error [(]exit code 75[)]\"`: 3,
	} {
		var h harness
		retry := `retryStrategy: {limit: "2", retryPolicy: Always, expression: "` + expression + `", backoff: {duration: "0"}}`
		got, err := run(t, &h, dag("      - {name: deploy, template: two}\n")+two("echo deploys", "exit 75", retry), called)

		require.NoError(t, err)
		assert.Equal(t, localrun.Failed, got.Status)
		assert.Equal(t, attempts, got.Steps[1].Attempts, expression)
		assert.Equal(t, attempts, got.Steps[0].Attempts, expression)
	}
}

func TestContainersThatRunInParallelAreNotSupported(t *testing.T) {
	_, err := localrun.Parse([]byte(head + dag("      - {name: deploy, template: two}\n") + `
  - name: two
    containerSet:
      containers: [{name: main, image: i, command: [a]}, {name: other, image: i, command: [b]}]
`))
	assert.ErrorContains(t, err, `"other" of the template "two" does not depend on the one before it`)
}

// stages returns a template of a container that runs two stages, programs of a shell.
func stages(retry string) string {
	return `
  - name: two
    outputs: {parameters: [{name: out, valueFrom: {path: /aphex/out, default: none}}]}
    volumes: [{name: aphex, emptyDir: {}}, {name: shm, emptyDir: {medium: Memory, sizeLimit: 64Mi}}]
    podSpecPatch: '{"initContainers": []}'
    ` + retry + `
    container:
      name: main
      image: example.test/shell
      command: [deployer, steps]
      args: [sh first, bash second]
      env:
      - {name: APHEX_SCRIPT, value: /aphex/shared}
      - {name: APHEX_COMMANDS, value: "127.0.0.1:7000"}
      - {name: BASH_APHEX_OUT, value: /aphex/out}
      - {name: BASH_APHEX_COMMANDS, value: "127.0.0.1:7001"}
      volumeMounts: [{name: aphex, mountPath: /aphex}]
`
}

// scripts makes the programs sh and bash scripts of the given text.
func scripts(t *testing.T, first, second string) func(*localrun.Options) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range map[string]string{"sh": first, "bash": second} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700))
	}
	return func(o *localrun.Options) {
		o.Program = func(command string) (string, error) { return filepath.Join(dir, command), nil }
	}
}

func TestTheStagesOfAContainerAreStepsEachWithItsVariables(t *testing.T) {
	var h harness
	got, err := run(t, &h, dag("      - {name: deploy, template: two}\n")+stages(""), called,
		scripts(t, `echo "$1 [$APHEX_OUT$APHEX_COMMANDS$BASH_APHEX_OUT]" > $APHEX_SCRIPT`, `(cat $APHEX_SCRIPT; echo "$1 [$APHEX_COMMANDS]") > $APHEX_OUT`))
	require.NoError(t, err)
	require.Equal(t, localrun.Succeeded, got.Status, h.log.String())
	assert.Equal(t, map[string]localrun.Status{"deploy": "Succeeded", "deploy-bash": "Succeeded"}, statuses(got))
	assert.Equal(t, "first []\nsecond []\n", got.Steps[0].Outputs["out"], "commands are processes here")
}

func TestTheStagesOfAContainerAreRetriedByTheExitCodeOfTheLastThatRan(t *testing.T) {
	var h harness
	retry := `retryStrategy: {limit: "2", retryPolicy: Always, expression: "asInt(lastRetry.exitCode) == 75", backoff: {duration: "0"}}`
	got, err := run(t, &h, dag("      - {name: deploy, template: two}\n")+stages(retry), called, scripts(t, "true", "exit 75"))
	require.NoError(t, err)
	assert.Equal(t, localrun.Failed, got.Status)
	assert.Equal(t, 3, got.Steps[1].Attempts)
}

func TestAContainerThatNamesNoStageIsRefused(t *testing.T) {
	for _, args := range []string{"[]", `[" "]`} {
		_, err := localrun.Parse([]byte(head + dag("      - {name: deploy, template: two}\n") + `
  - name: two
    container: {image: i, command: [deployer, steps], args: ` + args + `}
`))
		assert.ErrorContains(t, err, `the container of the template "two": `)
	}
}
