package deploy_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	simcfn "github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/stages/deploy"
)

const destroys = "onRemovedStack: destroy"

// exist returns which of the stacks of dev exist.
func (w *world) exist(names ...string) (there []string) {
	w.t.Helper()
	for _, name := range names {
		base, err := w.base(w.t.Context())
		require.NoError(w.t, err)
		if name == "Edge" {
			base.Region = "us-east-1"
		}
		found, err := cfn.Find(w.t.Context(), cfn.NewClient(base), name)
		require.NoError(w.t, err)
		if found != nil {
			there = append(there, name)
		}
	}
	return there
}

// recorded returns the stacks in the record of dev.
func (w *world) recorded() (names []string) {
	w.t.Helper()
	var record struct {
		Stacks []struct{ Name, StackID string }
	}
	require.NoError(w.t, json.Unmarshal([]byte(w.stored.Document(bucket.StacksKey("dev"))), &record))
	for _, one := range record.Stacks {
		assert.Contains(w.t, one.StackID, ":stack/"+one.Name+"/")
		names = append(names, one.Name)
	}
	return names
}

func TestRemovedStacksAreDestroyedAfterTheDeploymentThoseThatNeedOthersFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gated("{name: Data}, {name: Api}, {name: Edge}", destroys)
	_, err := w.run("dev")
	require.NoError(t, err, w.log.String()+w.out.String())
	assert.ElementsMatch(t, []string{"Data", "Api", "Edge"}, w.recorded())

	w.gated("{name: Edge}", "concurrency: 1")
	found, _ := w.removed()
	assert.Len(t, found, 2, "they are reported")
	w.gated("{name: Edge}", destroys)
	found, _ = w.removed()
	assert.Empty(t, found, "the deployment is going to destroy them")
	out, err := w.run("dev", func(in *deploy.Input) { in.Stacks = []string{"Edge"} })
	require.NoError(t, err, w.log.String())
	assert.Equal(t, map[string]string{"Edge": "unchanged"}, actions(out), "a part of the environment")
	out, err = w.run("dev", func(in *deploy.Input) { in.Purpose = "rollback" })
	require.NoError(t, err, w.log.String())
	assert.Equal(t, map[string]string{"Edge": "unchanged"}, actions(out), "a rollback")
	assert.Len(t, w.exist("Data", "Api"), 2)

	outputs := filepath.Join(t.TempDir(), "outputs.json")
	out, err = w.run("dev", func(in *deploy.Input) { in.NamedOutputsFile = outputs })
	require.NoError(t, err, w.log.String())
	var order []string
	for _, s := range out.Summary.Stacks {
		order = append(order, s.Name+" "+s.Action)
	}
	assert.Equal(t, []string{"Edge unchanged", "Api destroyed", "Data destroyed"}, order, "Api imports what Data exports")
	assert.Equal(t, []string{"Edge"}, w.exist("Data", "Api", "Edge"))
	assert.Equal(t, []string{"Edge"}, w.recorded())
	assert.NotContains(t, w.stored.Document(bucket.OutputsKey(commit, "dev")), "Api")
}

func TestAStackThatIsProtectedAndWhatItNeedsAreNotDestroyed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gated("{name: Data}, {name: Api}, {name: Edge}", destroys)
	_, err := w.run("dev")
	require.NoError(t, err, w.log.String())
	base, err := w.base(t.Context())
	require.NoError(t, err)
	_, err = cfn.NewClient(base).UpdateTerminationProtection(t.Context(), &cloudformation.UpdateTerminationProtectionInput{
		StackName: aws.String("Api"), EnableTerminationProtection: aws.Bool(true),
	})
	require.NoError(t, err)
	w.gated("{name: Edge}", destroys)
	out, err := w.run("dev")
	require.NoError(t, err, w.log.String())
	assert.Equal(t, map[string]string{"Edge": "unchanged"}, actions(out))
	assert.Len(t, w.exist("Data", "Api"), 2)
	assert.Contains(t, w.log.String(), "no environment deploys it there any more; it is protected from deletion")
	assert.Contains(t, w.log.String(), "Api, which stays, needs it")
	assert.Len(t, w.recorded(), 3, "they are reported again")
}

func TestAStackOfTheNameOfOneThatWasDeployedIsNotDestroyed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gated("{name: Data}, {name: Edge}", destroys)
	_, err := w.run("dev")
	require.NoError(t, err, w.log.String())
	w.deleteStack("Data", "eu-west-1")
	base, err := w.base(t.Context())
	require.NoError(t, err)
	_, err = cfn.Deploy(t.Context(), cfn.NewClient(base), cfn.Goal{Name: "Data", Template: []byte(`{"Resources":{"Q":{"Type":"AWS::SQS::Queue"}}}`)}, cfn.Options{})
	require.NoError(t, err)
	w.gated("{name: Edge}", destroys)
	out, err := w.run("dev")
	require.NoError(t, err, w.log.String())
	assert.Equal(t, map[string]string{"Edge": "unchanged"}, actions(out))
	assert.Equal(t, []string{"Data"}, w.exist("Data"))

	// A record of an earlier version does not say which stack it was.
	w.stored.Set(bucket.StacksKey("dev"), `{"stacks":[{"stack":"Data","name":"Data","account":"111111111111","region":"eu-west-1","environmentRegion":"eu-west-1"}]}`)
	out, err = w.run("dev")
	require.NoError(t, err, w.log.String())
	assert.Equal(t, map[string]string{"Edge": "unchanged"}, actions(out))
	assert.Contains(t, w.log.String(), "does not have its ARN")
}

func TestAStackThatMovedToAnotherEnvironmentIsNotDestroyed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gated("{name: Data}, {name: Edge}", destroys)
	_, err := w.run("dev")
	require.NoError(t, err, w.log.String())
	w.configure("\n  - {name: dev, account: \"111111111111\", region: eu-west-1, stacks: [{name: Edge}], " + destroys + "}\n" +
		"  - {name: other, account: \"111111111111\", region: eu-west-1, stacks: [{name: Data}]}\n")
	out, err := w.run("dev")
	require.NoError(t, err, w.log.String())
	assert.Equal(t, map[string]string{"Edge": "unchanged"}, actions(out))
	assert.Equal(t, []string{"Data"}, w.exist("Data"))
}

func TestRemovedStacksAreInThePlanAndHeldByItsGates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shape("tables")
	w.gated("{name: Data}, {name: Api}, {name: Edge}", destroys)
	_, err := w.run("dev")
	require.NoError(t, err, w.log.String())
	intents := func(keys string) map[string]planned.Intent {
		w.gated("{name: Edge}", keys)
		file := filepath.Join(t.TempDir(), "plan.json")
		_, err := w.run("dev", func(in *deploy.Input) { in.PlanFile = file })
		require.NoError(t, err, w.log.String())
		plan, err := planned.Read(file, "dev", commit)
		require.NoError(t, err)
		found := map[string]planned.Intent{}
		for _, s := range plan.Stacks {
			found[s.Stack] = s.Intent
		}
		assert.Equal(t, keys == destroys, plan.Destructive)
		return found
	}
	assert.Equal(t, map[string]planned.Intent{"Edge": planned.WillKeep, "Data": planned.WillLeave, "Api": planned.WillLeave}, intents("concurrency: 1"))
	assert.Contains(t, w.stdout.String(), "onRemovedStack: destroy would delete it")
	assert.Equal(t, map[string]planned.Intent{"Edge": planned.WillKeep, "Data": planned.WillDestroy, "Api": planned.WillDestroy}, intents(destroys))
	assert.Contains(t, w.stdout.String(), "2 to destroy")
	assert.Len(t, w.exist("Data", "Api"), 2, "a plan executes nothing")

	w.gated("{name: Edge}", destroys+", holdOn: [stateful]")
	out, err := w.run("dev")
	require.Equal(t, errs.Held, errs.KindOf(err), "%v\n%s", err, w.log.String())
	assert.Contains(t, err.Error(), "is removed")
	assert.Empty(t, out.Summary.Stacks)
	assert.Len(t, w.exist("Data", "Api"), 2)
}

func TestAStackThatCannotBeDeletedFailsTheDeploymentAndWhatItNeedsStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gated("{name: Data}, {name: Api}, {name: Edge}", destroys)
	_, err := w.run("dev")
	require.NoError(t, err, w.log.String())
	w.Stacks().FailResource(simcfn.Rule{Stack: "Api", Type: "AWS::SNS::Topic", Operation: "DELETE", Times: 1, Reason: "it is in use"})
	w.gated("{name: Edge}", destroys)
	out, err := w.run("dev")
	require.ErrorContains(t, err, "it is in use")
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Equal(t, map[string]string{"Edge": "unchanged", "Api": "failed", "Data": "skipped"}, actions(out))
	assert.Len(t, w.exist("Data", "Api"), 2)
	out, err = w.run("dev")
	require.NoError(t, err, w.log.String())
	assert.Equal(t, map[string]string{"Edge": "unchanged", "Api": "destroyed", "Data": "destroyed"}, actions(out))
}
