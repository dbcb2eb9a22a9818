package record_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/record"
)

func TestARunProvesACommitIfItDeployedItAndItsTestsPassed(t *testing.T) {
	deployed, tested := stage.Record{Step: "deploy-dev", Status: stage.Done}, stage.Record{Step: "test-dev", Status: stage.Done}
	failed := stage.Record{Step: "test-dev", Status: "failed"}
	late := failed
	late.Ended = time.Now()
	elsewhere := []record.Failure{{DisplayName: "deploy-prod(0)"}}
	for name, c := range map[string]struct {
		run  record.Document
		want bool
	}{
		"deployed and tested":                           {record.Document{Status: "Succeeded", Steps: []stage.Record{deployed, tested}}, true},
		"deployed and tested, failed elsewhere":         {record.Document{Status: "Failed", Steps: []stage.Record{deployed, tested}, Failures: elsewhere}, true},
		"without tests":                                 {record.Document{Status: "Succeeded", Steps: []stage.Record{deployed}}, true},
		"without tests, failed elsewhere":               {record.Document{Status: "Failed", Steps: []stage.Record{deployed}, Failures: elsewhere}, true},
		"tests failed":                                  {record.Document{Status: "Failed", Steps: []stage.Record{deployed, failed}, Failures: []record.Failure{{DisplayName: "test-dev"}}}, false},
		"tests failed the second time":                  {record.Document{Status: "Failed", Steps: []stage.Record{deployed, tested, late}}, false},
		"the pod was lost before the end of the tests":  {record.Document{Status: "Error", Steps: []stage.Record{deployed}, Failures: []record.Failure{{DisplayName: "deploy-dev(0)"}}}, false},
		"stopped, and nobody knows where":               {record.Document{Status: "Stopped", Steps: []stage.Record{deployed}}, false},
		"the deployment failed":                         {record.Document{Status: "Failed", Steps: []stage.Record{{Step: "deploy-dev", Status: "failed"}}}, false},
		"another environment":                           {record.Document{Status: "Succeeded", Steps: []stage.Record{{Step: "deploy-prod", Status: stage.Done}}}, false},
		"nothing":                                       {record.Document{Status: "Succeeded"}, false},
		"an environment whose name begins as the other": {record.Document{Status: "Succeeded", Steps: []stage.Record{{Step: "deploy-dev-2", Status: stage.Done}}}, false},
	} {
		assert.Equal(t, c.want, c.run.Proves("dev"), name)
	}
}

func TestARecordSaysWhatItsRunBuiltOrDeployed(t *testing.T) {
	built := record.Built{Artifact: "c/d.tar.zst", Digest: "sha256:d", ConfigDigest: "sha256:c"}
	steps := []stage.Record{
		{Step: "validate", Status: stage.Done, Outputs: map[string]string{"config-digest": built.ConfigDigest}},
		{Step: "build", Status: stage.Done, Outputs: map[string]string{"artifact": built.Artifact, "digest": built.Digest}},
	}
	b := buckettest.New(nil)
	got, err := record.BuiltBy(t.Context(), b, record.Document{Steps: steps})
	require.NoError(t, err)
	assert.Equal(t, &built, got, "of an earlier version, that built it")
	got, err = record.BuiltBy(t.Context(), b, record.Document{Built: &built})
	require.NoError(t, err)
	assert.Equal(t, &built, got)
	got, err = record.BuiltBy(t.Context(), b, record.Document{Steps: steps[:1]})
	require.NoError(t, err)
	assert.Nil(t, got, "the build failed")

	origin := record.Document{Workflow: "shop-1", Status: "Succeeded", Steps: append(steps, stage.Record{
		Step: "pipeline", Status: stage.Done, Outputs: map[string]string{"handover": `{"run": "shop-1-h", "artifact": "c/d.tar.zst", "digest": "sha256:d", "configDigest": "sha256:c"}`},
	})}
	got, err = record.BuiltBy(t.Context(), b, record.Document{Origin: "shop-1"})
	require.NoError(t, err)
	assert.Nil(t, got, "the other record is gone")
	require.NoError(t, record.Store(t.Context(), b, origin))
	got, err = record.BuiltBy(t.Context(), b, record.Document{Origin: "shop-1"})
	require.NoError(t, err)
	assert.Equal(t, &built, got, "of an earlier version, that was handed over")
}

// TestACommitBeforeAnotherIsFoundWhateverHappened draws histories of an environment: commits
// whose deployments fail, whose tests fail, and that are deployed again.
func TestACommitBeforeAnotherIsFoundWhateverHappened(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := buckettest.New(nil)
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		proven, seen := map[int]bool{}, []int{}
		runs := rapid.IntRange(1, 12).Draw(t, "runs")
		next := 0
		for i := range runs {
			commit := next
			again := len(seen) > 0 && rapid.Bool().Draw(t, "again")
			if again {
				commit = rapid.SampledFrom(seen).Draw(t, "commit")
			} else {
				next++
			}
			at = at.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "minutes")) * time.Minute)
			deploys, passes := rapid.Bool().Draw(t, "deploys"), rapid.Bool().Draw(t, "passes")
			d := record.Document{Workflow: fmt.Sprint("run-", i), Status: "Succeeded", Commit: commitOf(commit), Ended: at, Failures: []record.Failure{}}
			d.Steps = []stage.Record{{Step: "deploy-dev", Status: statusOf(deploys), Ended: at}}
			if deploys {
				d.Steps = append(d.Steps, stage.Record{Step: "test-dev", Status: statusOf(passes), Ended: at})
				if !slices.Contains(seen, commit) {
					seen = append(seen, commit)
				}
			}
			if !deploys || !passes {
				d.Status = "Failed"
			}
			proven[commit] = proven[commit] || deploys && passes
			require.NoError(t, record.Store(t.Context(), b, d))
		}
		has := rapid.IntRange(0, next).Draw(t, "has")
		want := -1
		for commit := range next {
			if proven[commit] && slices.Contains(seen, commit) && older(seen, commit, has) {
				want = max(want, commit)
			}
		}
		index, err := record.ReadIndex(t.Context(), b)
		require.NoError(t, err)
		got := -1
		for _, commit := range index.Before("dev", commitOf(has)) {
			_, is, err := index.Proof(t.Context(), b, commit, "dev")
			require.NoError(t, err)
			if is {
				_, err = fmt.Sscanf(commit, "%d", &got)
				require.NoError(t, err)
				break
			}
		}
		require.Equal(t, want, got, "before %d", has)
	})
}

// older reports whether a commit was deployed before another one, or that one never was.
func older(seen []int, commit, than int) bool {
	at := slices.Index(seen, than)
	return commit != than && (at < 0 || slices.Index(seen, commit) < at)
}

func commitOf(n int) string { return fmt.Sprintf("%040d", n) }

func statusOf(ok bool) string {
	if ok {
		return stage.Done
	}
	return "failed"
}
