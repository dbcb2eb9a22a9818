package localrun_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/localrun"
)

func TestATaskThatIsLeftOutIsSkippedAndThoseAfterItRun(t *testing.T) {
	var h harness
	got, err := run(t, &h, dag(`
      - {name: a, template: write}
      - {name: b, template: write, dependencies: [a], arguments: {parameters: [{name: in, value: "{{tasks.a.outputs.parameters.out}}"}]}}
      - {name: c, template: fail, dependencies: [b]}
      - {name: d, template: write, dependencies: [c]}
      - {name: e, template: write, dependencies: [c]}
`)+shell("write", "echo got $IN > $OUT", "")+shell("fail", "exit 1", ""), func(o *localrun.Options) {
		o.LeaveOut = func(task string) bool { return task == "a" || task == "e" }
	})
	require.NoError(t, err)
	assert.Equal(t, map[string]localrun.Status{
		"a": localrun.Skipped, "b": localrun.Succeeded, "c": localrun.Failed, "d": localrun.Omitted, "e": localrun.Skipped,
	}, statuses(got))
	assert.Equal(t, "got none\n", got.Steps[1].Outputs["out"], "the default of an output of a task that did not run")
}

func TestTheWorkspaceOfATaskThatSucceededIsKeptIfAsked(t *testing.T) {
	for _, keep := range []bool{false, true} {
		var h harness
		got, err := run(t, &h, dag("      - {name: a, template: write}\n")+shell("write", "echo x > $OUT", ""), func(o *localrun.Options) { o.Keep = keep })
		require.NoError(t, err)
		_, err = os.Stat(filepath.Join(got.Steps[0].Volume, "out"))
		assert.Equal(t, keep, err == nil)
	}
}
