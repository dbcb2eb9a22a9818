package validation_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/validation"
)

var (
	pushed = strings.Repeat("c", 40)
	older  = strings.Repeat("a", 40)
	newer  = strings.Repeat("b", 40)
)

// delivery is a run of a pipeline with triggers.paths, and what is deployed before it.
type delivery struct {
	run       string              // "" is that of a push
	documents map[string]string   // of the bucket
	changed   map[string][]string // files that differ from a commit
	failed    error               // of the comparison, or of the bucket if it is unreadable
	closed    bool
	off       bool // the tagged commit is not on the branch
}

func (v delivery) validate(t *testing.T) (validation.Output, string, error) {
	t.Helper()
	d := fit()
	d.Open = func(_ context.Context, name string) (bucket.Bucket, error) {
		assert.Equal(t, "artifacts", name)
		if v.closed {
			return nil, v.failed
		}
		return buckettest.New(v.documents), nil
	}
	d.Changed = func(_ context.Context, _ stage.Frame, in validation.Input, before string, counts func(string) bool) (string, error) {
		assert.Equal(t, pushed, in.Commit)
		for _, file := range v.changed[before] {
			if counts(file) {
				return file, nil
			}
		}
		return "", v.failed
	}
	d.OnBranch = func(context.Context, stage.Frame, validation.Input) (bool, error) { return !v.off, nil }
	if v.run == "" {
		v.run = "shop-" + pushed[:32]
	}
	var log, report bytes.Buffer
	dir := app(t, good+"triggers: {paths: [lib/**, \"!lib/*.md\"]}\n")
	out, err := validation.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.NewTextHandler(&log, nil)), Stdout: &report, Workflow: v.run}, validation.Input{
		Source: dir, Config: "aphex-config.yaml", Commit: pushed, Branch: "main", Bucket: "artifacts", Prefix: "shop-",
	})
	return out, log.String() + report.String(), err
}

// deployedAs are the documents of a bucket: the commit of the last successful run, and those of dev and prod.
func deployedAs(last, dev, prod string) map[string]string {
	documents := map[string]string{}
	for key, commit := range map[string]string{bucket.DeployedKey(): last, bucket.ReachedKey("dev"): dev, bucket.ReachedKey("prod"): prod} {
		if commit != "" {
			documents[key] = `{"commit":"` + commit + `","run":"shop-1"}`
		}
	}
	return documents
}

// underWay are the documents of a bucket with the older commit, and a run of another one that has begun.
func underWay(commit string) map[string]string {
	documents := deployedAs(older, older, older)
	documents[bucket.OrderKey()] = `{"runs":[{"run":"shop-1","commit":"` + older + `"},{"run":"shop-2","commit":"` + commit + `"}]}`
	return documents
}

func TestAPushThatChangesNoFileOfThePathsHasNothingToDo(t *testing.T) {
	out, log, err := delivery{
		documents: deployedAs(older, older, older), changed: map[string][]string{older: {"README.md", "lib/notes.md", "library/x"}},
	}.validate(t)
	require.NoError(t, err)
	assert.Equal(t, "no file of triggers.paths has changed since "+older+", which is deployed", out.Skipped)
	assert.NotEmpty(t, out.ConfigDigest)
	assert.Contains(t, log, "nothing to do")
	assert.NotContains(t, out.Skipped, "'", "it is part of a condition")
}

func TestARunWithSomethingToDoGoesOn(t *testing.T) {
	untouched := map[string][]string{older: {"README.md"}}
	for name, v := range map[string]delivery{
		"a file of the paths":                         {documents: deployedAs(older, older, older), changed: map[string][]string{older: {"README.md", "lib/api.ts"}}},
		"the configuration":                           {documents: deployedAs(older, older, older), changed: map[string][]string{older: {"aphex-config.yaml"}}},
		"a failed run left another commit in dev":     {documents: deployedAs(older, newer, older), changed: map[string][]string{newer: {"lib/api.ts"}}},
		"a failed run never finished what it changed": {documents: deployedAs(older, newer, newer), changed: map[string][]string{older: {"lib/api.ts"}}},
		"another run is under way":                    {documents: underWay(newer), changed: map[string][]string{newer: {"lib/api.ts"}}},
		"nothing was deployed yet":                    {documents: nil, changed: untouched},
		"no run has succeeded":                        {documents: deployedAs("", older, older), changed: untouched},
		"prod was never deployed":                     {documents: deployedAs(older, older, ""), changed: untouched},
		"a damaged document":                          {documents: map[string]string{bucket.DeployedKey(): "{", bucket.ReachedKey("dev"): "{", bucket.ReachedKey("prod"): "{"}, changed: untouched},
		"a tag":                                       {run: "shop-" + pushed[:32] + "-t12ab", documents: deployedAs(older, older, older), changed: untouched},
		"the schedule":                                {run: "shop-" + pushed[:32] + "-s12ab", documents: deployedAs(older, older, older), changed: untouched},
		"a person":                                    {run: "shop-x7k2p", documents: deployedAs(older, older, older), changed: untouched},
		"a person resubmits":                          {run: "shop-" + pushed[:32] + "-x7k2p", documents: deployedAs(older, older, older), changed: untouched},
		"the commit before is gone":                   {documents: deployedAs(older, older, older), failed: errs.Invalidf("not in any branch")},
		"there is no permission":                      {closed: true, failed: errors.New("access denied")},
	} {
		out, log, err := v.validate(t)
		require.NoError(t, err, name)
		assert.Empty(t, out.Skipped, name)
		assert.Contains(t, log, "the commit is valid", name)
		assert.Contains(t, log, "triggers.paths", "%s: the log says why", name)
	}
}

func TestAComparisonThatMaySucceedLaterIsTriedAgain(t *testing.T) {
	for name, v := range map[string]delivery{
		"git server": {documents: deployedAs(older, older, older), failed: errs.Temporaryf("no answer")},
		"bucket":     {closed: true, failed: errs.Temporaryf("no answer")},
	} {
		_, _, err := v.validate(t)
		require.ErrorContains(t, err, "no answer", name)
		assert.Equal(t, errs.Temporary, errs.KindOf(err), name)
	}
}

func TestATaggedCommitMustBeOnTheBranch(t *testing.T) {
	_, _, err := delivery{run: "shop-" + pushed[:32] + "-t12ab", off: true}.validate(t)
	require.ErrorContains(t, err, "the tagged commit "+pushed+" is not on branch main")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	_, _, err = delivery{off: true}.validate(t)
	assert.NoError(t, err, "a push is of the branch")
}
