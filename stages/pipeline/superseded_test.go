package pipeline_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
)

var (
	older = strings.Repeat("a", 40)
	newer = strings.Repeat("b", 40)
)

// runOlder runs the older commit on a branch whose head is at head, with the
// records that there are.
func runOlder(t *testing.T, w *world, head string, records map[string]string) error {
	t.Helper()
	d := w.deps(good)
	d.Head = func(context.Context, stage.Frame, pipeline.Input) (string, error) { return head, nil }
	for key, text := range records {
		w.artifacts.Set(key, text)
	}
	_, err := pipeline.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.DiscardHandler)}, pipeline.Input{
		Commit: older, Branch: "main", Repository: "https://github.com/o/r.git", Prefix: "shop-", Config: config.File, Bucket: "artifacts",
		Region: "eu-west-1", Artifact: "a", Digest: "d", OnFailure: "continue",
	})
	return err
}

// recordsOf gives the records of runs by their names.
func recordsOf(runs map[string]string) map[string]string {
	records := map[string]string{}
	for run, text := range runs {
		records["metadata/workflows/"+run+".json"] = text
	}
	return records
}

func TestAnOlderCommitIsNotDeployedOverANewerOne(t *testing.T) {
	next := "shop-" + newer[:32] + "-h"
	for name, records := range map[string]map[string]string{
		"its first run":                  {"shop-" + newer[:32]: `{"status":"Succeeded"}`},
		"a run that had nothing to do":   {"shop-" + newer[:32]: `{"status":"Skipped"}`},
		"a run that came again":          {"shop-" + newer[:32]: `{"status":"Failed","former":[{"status":"Error"},{"status":"Succeeded"}]}`},
		"a run of a former version":      {"shop-" + newer: `{"status":"Succeeded"}`},
		"the run that it handed over to": {"shop-" + newer[:32]: `{"status":"Succeeded","handedOver":"` + next + `"}`, next: `{"status":"Succeeded"}`},
	} {
		var w world
		err := runOlder(t, &w, newer, recordsOf(records))
		require.ErrorContains(t, err, "is superseded: main is at "+newer, name)
		assert.Equal(t, errs.Superseded, errs.KindOf(err))
		assert.Contains(t, errs.HintOf(err), "git revert")
		assert.Empty(t, w.applied, "whatever a failed update means for a run")

		var forgetful world
		require.NoError(t, runOlder(t, &forgetful, newer, nil), name)
		assert.NotEmpty(t, forgetful.applied, "without the record of the newer commit, the older one goes over it")
	}
}

func TestACommitIsDeployedUnlessANewerOneIs(t *testing.T) {
	for name, c := range map[string]struct {
		head    string
		records map[string]string
	}{
		"it is the head":                   {older, nil},
		"the branch is gone":               {"", nil},
		"the newer one is yet to be run":   {newer, nil},
		"the newer one failed":             {newer, recordsOf(map[string]string{"shop-" + newer[:32]: `{"status":"Failed"}`})},
		"the newer one is only under way":  {newer, map[string]string{"metadata/workflows/shop-" + newer[:32] + "/build.json": `{}`}},
		"another pipeline's run succeeded": {newer, recordsOf(map[string]string{"market-" + newer[:32]: `{"status":"Succeeded"}`})},
		"the newer one handed over":        {newer, recordsOf(map[string]string{"shop-" + newer[:32]: `{"status":"Succeeded","handedOver":"next"}`})},
		"the successor failed": {newer, recordsOf(map[string]string{
			"shop-" + newer[:32]: `{"status":"Succeeded","handedOver":"next"}`, "next": `{"status":"Failed"}`,
		})},
	} {
		var w world
		require.NoError(t, runOlder(t, &w, c.head, c.records), name)
		assert.NotEmpty(t, w.applied, name)
	}
}

// runOrdered runs the older commit of a repository in which it relates to the newer
// one in some way, with the commits that the environments have.
func runOrdered(t *testing.T, w *world, configuration string, order checkout.Order, has map[string]string) error {
	t.Helper()
	d := w.deps(configuration)
	d.Head = func(context.Context, stage.Frame, pipeline.Input) (string, error) { return newer, nil }
	d.Order = func(_ context.Context, _ stage.Frame, in pipeline.Input, other string) (checkout.Order, error) {
		require.Equal(t, older, in.Commit)
		if other == older {
			return checkout.Same, nil
		}
		require.Equal(t, newer, other)
		return order, nil
	}
	for environment, commit := range has {
		w.artifacts.Set("metadata/deployed/"+environment+".json", `{"commit":"`+commit+`","run":"shop-9"}`)
	}
	_, err := pipeline.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.DiscardHandler)}, pipeline.Input{
		Commit: older, Branch: "main", Repository: "https://github.com/o/r.git", Prefix: "shop-", Config: config.File, Bucket: "artifacts",
		Region: "eu-west-1", Artifact: "a", Digest: "d", OnFailure: "continue",
	})
	return err
}

// The newer commit's run failed, and no record of a run is left: a delivery of the
// older one is replayed.
func TestACommitThatPrecedesOneThatWasBegunIsNotDeployed(t *testing.T) {
	var loose world
	require.NoError(t, runOrdered(t, &loose, good, checkout.Before, nil), "without the commits of the environments the attack succeeds")
	for name, has := range map[string]map[string]string{
		"one environment has it":                {"dev": newer},
		"one has it, and others the older one":  {"dev": older, "prod": newer},
		"an environment that is not there then": {"renamed": newer},
	} {
		for _, configuration := range []string{good, good + "allowForcePush: true\n"} {
			var w world
			err := runOrdered(t, &w, configuration, checkout.Before, has)
			require.ErrorContains(t, err, "commit "+older+" is superseded: environment ", name)
			require.ErrorContains(t, err, "has the newer commit "+newer+", which run shop-9 began to deploy")
			assert.Equal(t, errs.Superseded, errs.KindOf(err))
			assert.Empty(t, w.applied)
		}
	}
}

func TestAForcePushIsDeployedOnlyIfTheConfigurationAllowsIt(t *testing.T) {
	has := map[string]string{"dev": newer}
	var w, allowed world
	err := runOrdered(t, &w, good, checkout.Diverged, has)
	require.ErrorContains(t, err, "commit "+older+" does not follow from "+newer)
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "allowForcePush: true")
	assert.Empty(t, w.applied)
	require.NoError(t, runOrdered(t, &allowed, good+"allowForcePush: true\n", checkout.Diverged, has))
	assert.NotEmpty(t, allowed.applied)
}

func TestACommitThatFollowsOrIsDeployedAlreadyIsDeployed(t *testing.T) {
	for name, c := range map[string]struct {
		order checkout.Order
		has   map[string]string
	}{
		"it follows":                        {checkout.After, map[string]string{"dev": newer}},
		"it is deployed again":              {checkout.Before, map[string]string{"dev": older}},
		"an environment that was left once": {checkout.Diverged, map[string]string{"removed": newer}},
	} {
		var w world
		require.NoError(t, runOrdered(t, &w, good, c.order, c.has), name)
		assert.NotEmpty(t, w.applied, name)
	}
}

// The newer run is past the check of its commit, and waits for its environments.
func TestACommitThatIsOlderThanThatOfARunUnderWayIsNotDeployed(t *testing.T) {
	enters := func(w *world, order checkout.Order) error {
		d := w.deps(good)
		d.Order = func(context.Context, stage.Frame, pipeline.Input, string) (checkout.Order, error) { return order, nil }
		w.artifacts.Set("metadata/order.json", `{"runs":[{"run":"shop-2","commit":"`+newer+`"}]}`)
		_, err := pipeline.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.DiscardHandler), Workflow: "shop-1"}, pipeline.Input{
			Commit: older, Branch: "main", Repository: "https://github.com/o/r.git", Prefix: "shop-", Config: config.File, Bucket: "artifacts",
			Region: "eu-west-1", Artifact: "a", Digest: "d", OnFailure: "continue",
		})
		return err
	}
	for order, refused := range map[checkout.Order]bool{checkout.Before: true, checkout.After: false, checkout.Diverged: false} {
		var w world
		err := enters(&w, order)
		if refused {
			require.ErrorContains(t, err, "commit "+older+" is superseded: run shop-2 deploys the newer commit "+newer)
			assert.Equal(t, errs.Superseded, errs.KindOf(err))
			assert.Empty(t, w.applied)
			assert.NotContains(t, w.artifacts.Document("metadata/order.json"), older)
			continue
		}
		require.NoError(t, err)
		assert.JSONEq(t, `{"runs":[{"run":"shop-2","commit":"`+newer+`"},{"run":"shop-1","commit":"`+older+`","ready":true}]}`, w.artifacts.Document("metadata/order.json"))
	}
}

// A force push came, and its run waits for all environments. Then the delivery of the commit
// that is not on the branch any more arrives.
func TestACommitThatAForcePushTookFromTheBranchIsNotDeployedAfterItsSuccessor(t *testing.T) {
	const head = "cccccccccccccccccccccccccccccccccccccccc"
	for name, c := range map[string]struct {
		toHead  checkout.Order
		refused bool
	}{
		"it is not on the branch":               {checkout.Diverged, true},
		"it is on the branch, the other is not": {checkout.Before, false},
	} {
		var w world
		d := w.deps(good + "allowForcePush: true\n")
		d.Head = func(context.Context, stage.Frame, pipeline.Input) (string, error) { return head, nil }
		d.Order = func(_ context.Context, _ stage.Frame, _ pipeline.Input, other string) (checkout.Order, error) {
			if other == head {
				return c.toHead, nil
			}
			return checkout.Diverged, nil
		}
		w.artifacts.Set("metadata/order.json", `{"runs":[{"run":"shop-2","commit":"`+newer+`"}]}`)
		_, err := pipeline.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.DiscardHandler), Workflow: "shop-1"}, pipeline.Input{
			Commit: older, Branch: "main", Repository: "https://github.com/o/r.git", Prefix: "shop-", Config: config.File, Bucket: "artifacts",
			Region: "eu-west-1", Artifact: "a", Digest: "d", OnFailure: "continue",
		})
		if !c.refused {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, "is superseded: run shop-2 deploys the newer commit", name)
		assert.Equal(t, errs.Superseded, errs.KindOf(err))
		assert.Empty(t, w.applied)
	}
}

func TestARunThatDoesNotGoOnToItsEnvironmentsIsNotReady(t *testing.T) {
	for name, fail := range map[string]bool{"its update fails": true, "it goes on": false} {
		var w world
		d := w.deps(good)
		if fail {
			w.refuse = errs.Failedf("no")
		}
		_, err := pipeline.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.DiscardHandler), Workflow: "shop-1"}, pipeline.Input{
			Commit: older, Config: config.File, Bucket: "artifacts", Region: "eu-west-1", Artifact: "a", Digest: "d", OnFailure: "stop",
		})
		assert.Equal(t, fail, err != nil, name)
		order := w.artifacts.Document("metadata/order.json")
		assert.Contains(t, order, older, "no older commit goes over what it may have changed")
		assert.Equal(t, !fail, strings.Contains(order, `"ready":true`), name)
	}
}
