package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aphex/aphex-pipeline/internal/plan"
)

// prefixes are those that a configuration may have, and that end in what looks
// like a part of a name.
var prefixes = []string{"a", "aphex-pipeline-", "shop-h", "shop-r1-", "shop-b2-h-", strings.Repeat("a", 23), strings.Repeat("ab", 11) + "-", "deadbeef", "e-" + strings.Repeat("0", 21)}

func TestParsingInvertsTheNameOfARun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		made := plan.NameOfRun{
			Prefix:     rapid.SampledFrom(prefixes).Draw(t, "prefix"),
			Commit:     rapid.StringMatching(`[0-9a-f]{32}`).Draw(t, "commit"),
			HandedOver: rapid.Bool().Draw(t, "handed over"),
		}
		switch rapid.IntRange(0, 5).Draw(t, "again") {
		case 1:
			made.Retry = rapid.IntRange(1, 9999).Draw(t, "retry")
		case 2:
			made.Rollback = rapid.IntRange(1, 9999).Draw(t, "rollback")
		case 3:
			made.Scheduled = plan.ScheduledAt(time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "at"), 0))
		case 5:
			made.Override = rapid.IntRange(1, 9999).Draw(t, "override")
		case 4:
			made.Tag = rapid.StringMatching(`[0-9a-f]{4}`).Draw(t, "tag")
		}
		require.LessOrEqual(t, len(made.String()), plan.MostOfRunName)
		require.Regexp(t, `^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`, made.String())
		got, ok := plan.ParseRunName(made.Prefix, made.String())
		require.True(t, ok)
		require.Equal(t, made, got)
	})
}

func TestTheSuccessorOfAnyRunHasOneNameThatAClusterTakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run := rapid.StringMatching(`[a-z][a-z0-9-]{0,61}[a-z0-9]`).Draw(t, "run")
		successor := plan.Successor(run)
		require.LessOrEqual(t, len(successor), plan.MostOfRunName)
		require.Regexp(t, `^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`, successor)
		require.Equal(t, successor, plan.Successor(run))
		require.NotEqual(t, run, successor)
	})
	commit := strings.Repeat("0123456789", 4)
	first := plan.FirstRun(strings.Repeat("p", 23), commit)
	assert.Equal(t, plan.NameOfRun{Prefix: strings.Repeat("p", 23), Commit: commit, HandedOver: true}.String(), plan.Successor(first))
}

func TestOneCommitHasOneFirstRunWhateverItsHash(t *testing.T) {
	commit := strings.Repeat("0123456789", 4)
	assert.Equal(t, "shop-01234567890123456789012345678901", plan.FirstRun("shop-", commit))
	assert.Equal(t, plan.FirstRun("shop-", strings.Repeat("ab", 32)), "shop-"+strings.Repeat("ab", 16), "SHA-256 has 64 digits")
	assert.Equal(t, "shop-"+commit, plan.FormerFirstRun("shop-", commit))
	assert.Empty(t, plan.FormerFirstRun("shop-", strings.Repeat("ab", 32)), "a cluster never took it")
}

func TestEachMinuteOfASchedulesTimesHasItsOwnName(t *testing.T) {
	at := time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC)
	assert.Equal(t, plan.ScheduledAt(at), plan.ScheduledAt(at.Add(59*time.Second)))
	seen := map[string]bool{}
	for minute := range 366 * 24 * 60 {
		seen[plan.ScheduledAt(at.Add(time.Duration(minute)*time.Minute))] = true
	}
	assert.Len(t, seen, 366*24*60)
}

func TestARunOfTheFormerSchemeIsARunOfItsCommit(t *testing.T) {
	commit := strings.Repeat("0123456789", 4)
	got, ok := plan.ParseRunName("shop-", "shop-"+commit)
	assert.True(t, ok)
	assert.Equal(t, plan.NameOfRun{Prefix: "shop-", Commit: commit}, got)
}

func TestOtherNamesAreNotNamesOfRuns(t *testing.T) {
	digits := strings.Repeat("0", 32)
	for _, name := range []string{
		"", "shop-", "market-" + digits, "shop-" + digits[1:], "shop-" + digits + "0", "shop-" + digits + "-h-h", "shop-" + digits + "-r0",
		"shop-" + digits + "-r", "shop-" + digits + "-h-r1", "shop-" + digits + "-r1-b1", "shop-" + digits + "-r10000", "shop-check-x7k2p",
		"shop-" + strings.ToUpper(strings.Repeat("a", 32)), "shop-" + digits + "-x1", "shop-" + strings.Repeat("0", 40) + "-h",
		"shop-" + digits + "-s123", "shop-" + digits + "-s12345", "shop-" + digits + "-t12g4", "shop-" + digits + "-t1234-s1234",
	} {
		_, ok := plan.ParseRunName("shop-", name)
		assert.False(t, ok, name)
	}
}
