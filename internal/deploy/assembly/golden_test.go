package assembly_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly/assemblytest"
)

var update = flag.Bool("update", false, "write the golden assembly anew from testdata/apps/sink")

const golden = "testdata/sink"

// trim removes what a deployment never reads and what is large: the report on
// feature flags, the construct tree, and the markers of the folders.
func trim(t *testing.T, dir string) {
	for _, name := range []string{"manifest.json", "assembly-Prod/manifest.json"} {
		file := filepath.Join(dir, name)
		src, err := os.ReadFile(file)
		require.NoError(t, err)
		var doc map[string]any
		require.NoError(t, json.Unmarshal(src, &doc))
		artifacts := doc["artifacts"].(map[string]any)
		delete(artifacts, "aws-cdk-lib/feature-flag-report")
		delete(artifacts, "Tree")
		src, err = json.MarshalIndent(doc, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, append(src, '\n'), 0o644))
	}
	for _, name := range []string{"tree.json", "cdk.out", "assembly-Prod/cdk.out"} {
		require.NoError(t, os.Remove(filepath.Join(dir, name)))
	}
}

func read(t *testing.T, dir string) *assembly.Assembly {
	t.Helper()
	a, err := assembly.Read(dir)
	require.NoError(t, err)
	return a
}

// portable returns the assembly as JSON, without the path of its folder.
func portable(t *testing.T, a *assembly.Assembly) string {
	src, err := json.MarshalIndent(a, "", " ")
	require.NoError(t, err)
	return strings.ReplaceAll(string(src), a.Dir, "ASSEMBLY")
}

func TestTheGoldenAssemblyIsWhatTheCDKWrites(t *testing.T) {
	fresh := assemblytest.Synth(t, assemblytest.App(t, "testdata/apps/sink"))
	untrimmed := read(t, fresh)
	trim(t, fresh)
	if *update {
		require.NoError(t, os.RemoveAll(golden))
		require.NoError(t, os.CopyFS(golden, os.DirFS(fresh)))
	}
	want := read(t, golden)
	assert.ElementsMatch(t, ids(want), ids(untrimmed))
	assert.Equal(t, portable(t, want), portable(t, read(t, fresh)))
}

func ids(a *assembly.Assembly) (list []string) {
	for _, stack := range a.Stacks {
		list = append(list, stack.ID)
	}
	return list
}

func TestAnAppWithErrorsAndMissingContextIsReported(t *testing.T) {
	a := read(t, assemblytest.Synth(t, assemblytest.App(t, "testdata/apps/broken")))
	require.Len(t, a.Missing, 1)
	assert.Contains(t, a.Missing[0].Key, "vpc-provider:account=111111111111")
	assert.Equal(t, "vpc-provider", a.Missing[0].Provider)
	assert.EqualError(t, assembly.Problems(a.Stacks), "the CDK app reports errors:\n  Net: the network needs an owner")
	assert.Contains(t, a.Stacks[0].Messages, assembly.Message{Level: assembly.Info, Path: "Net", Text: "for your information"})
}
