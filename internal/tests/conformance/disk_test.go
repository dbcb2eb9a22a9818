package conformance_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
)

// unwritable is a place that cannot be written to.
type unwritable struct {
	name     string
	path     string // which the message names
	options  []string
	environ  []string
	code     int
	deployed bool // it is found out only at the end
}

// /sys takes no new files, whoever asks; /dev/full is a disk that is full.
var unwritables = []unwritable{
	{name: "an outputs file in a folder that is missing", path: "/no/such/folder/outputs.json", options: []string{"--outputs-file"}, code: 2},
	{name: "an outputs file in a folder that cannot be written", path: "/sys/outputs.json", options: []string{"--outputs-file"}, code: 2},
	{name: "an outputs file on a full disk", path: "/dev/full", options: []string{"--outputs-file"}, code: 1, deployed: true},
	{name: "a plan in a folder that is missing", path: "/no/such/folder/plan.json", options: []string{"--plan-file"}, code: 2},
	{name: "an outputs folder that cannot be made", path: "/sys/outputs", options: []string{"--outputs"}, code: 2},
	{name: "a folder for temporary files that cannot be written", path: "/sys", environ: []string{"TMPDIR=/sys"}, code: 2},
}

func TestAPlaceThatCannotBeWrittenIsNamed(t *testing.T) {
	app := madeApp(t, made{name: "Base", resources: document{"Topic": resource("SNS::Topic", document{})}})
	for _, u := range unwritables {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			c.environ = append(u.environ, unvalidated...)
			if len(u.options) > 0 {
				u.options = append(u.options, u.path)
			}
			printed, code := c.deployer(app, u.options...)
			assert.Equal(t, u.code, code, printed)
			assert.Contains(t, printed, `\"`+u.path+`\"`)
			if !u.deployed {
				assertNothingDeployed(t, c)
			}
		})
	}
}

func TestAnOutputsFileIsNotLeftEmptyWhenNothingIsDeployed(t *testing.T) {
	c := newCloud(t)
	file := filepath.Join(t.TempDir(), "outputs.json")
	_, code := c.deployer(t.TempDir(), "--outputs-file", file)
	assert.Equal(t, 2, code)
	assert.NoFileExists(t, file)
}

// TestAStackThatFailsInTheMiddleOfTenStopsTheRest lets the fifth of ten stacks
// fail while three others are being deployed.
func TestAStackThatFailsInTheMiddleOfTenStopsTheRest(t *testing.T) {
	var list []made
	for i := range 10 {
		list = append(list, made{name: string(rune('A' + i)), resources: document{"Topic": resource("SNS::Topic", document{})}})
	}
	app := madeApp(t, list...)
	c := newCloud(t)
	c.environ = unvalidated
	for _, name := range []string{"D", "F", "G"} { // these run when E fails, even if one began late
		c.Stacks().FailResource(cloudformation.Rule{Stack: name, Delay: 10 * time.Second, OnlySlow: true})
	}
	c.Stacks().FailResource(cloudformation.Rule{Stack: "E", Delay: 4 * time.Second, Reason: "the shop is out of topics"})
	outputs, results := filepath.Join(app, "outputs.json"), t.TempDir()
	printed, code := c.deployer(app, "--concurrency", "4", "--outputs-file", outputs, "--outputs", results)
	assert.Equal(t, 1, code, printed)
	assert.Contains(t, printed, "the shop is out of topics")
	assert.Contains(t, printed, "not deployed because of this: H, I, J")
	want := map[string]string{"E": "failed", "H": "skipped", "I": "skipped", "J": "skipped"}
	for _, name := range []string{"A", "B", "C", "D", "F", "G"} {
		want[name] = "created"
		assert.Equal(t, "CREATE_COMPLETE", c.statusOf(name), "what runs is left to finish")
	}
	for _, name := range []string{"H", "I", "J"} {
		assert.Empty(t, c.statusOf(name), "nothing new starts")
	}
	assert.Equal(t, want, readSummary(t, results))
	var kept map[string]map[string]string
	text, err := os.ReadFile(outputs)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &kept))
	assert.Len(t, kept, 6, "the outputs of the finished are kept")
}

// readSummary returns what the summary in an outputs folder says became of each stack.
func readSummary(t *testing.T, folder string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "summary"))
	require.NoError(t, err)
	var summary struct {
		Stacks []struct{ Stack, Action string }
	}
	require.NoError(t, json.Unmarshal(text, &summary))
	actions := map[string]string{}
	for _, stack := range summary.Stacks {
		actions[stack.Stack] = stack.Action
	}
	return actions
}
