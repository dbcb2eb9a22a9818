package deploy_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/deploy"
)

func TestAFailureStartsNothingNewAndKeepsTheOutputsOfTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Stacks().FailResource(cloudformation.Rule{Stack: "Api", Type: "AWS::SNS::Topic", Reason: "Topic limit exceeded"})
	out, err := w.run("dev")
	require.ErrorContains(t, err, `stack "Api" failed (ROLLBACK_COMPLETE): Topic`)
	assert.Regexp(t, `\(AWS::SNS::Topic, Api/Topic/Resource, app\.js:\d+\): Topic limit exceeded`, err.Error())
	assert.ErrorContains(t, err, "not deployed because of this: Edge")
	assert.Regexp(t, `(?m)^  events of Api around the cause:\n(    .*\n)*  → \d\d:\d\d:\d\d  CREATE_FAILED +Api/Topic/Resource \(AWS::SNS::Topic\)  Topic limit exceeded\n(    .*\n)*    .* ROLLBACK_IN_PROGRESS `, err.Error())
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "quota")
	assert.Equal(t, map[string]string{"Data": "created", "Api": "failed", "Edge": "skipped"}, actions(out))
	assert.Contains(t, w.stored.Document(out.Outputs), "OrdersName")

	w.Stacks().ClearFaults()
	out, err = w.run("dev")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"Data": "unchanged", "Api": "created", "Edge": "created"}, actions(out))
}

func TestRunningStacksFinishWhenAnotherFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Stacks().FailResource(cloudformation.Rule{Stack: "Edge", Operation: "CREATE"})
	w.Stacks().FailResource(cloudformation.Rule{Stack: "Data", Operation: "CREATE", Delay: 3 * time.Second, OnlySlow: true})
	out, err := w.run("prod") // three at once
	require.Error(t, err)
	assert.Equal(t, map[string]string{"Data": "created", "Api": "skipped", "Edge": "failed"}, actions(out))
	assert.Equal(t, "Edge", out.Summary.Stacks[1].Because)
}

func TestAStormOfThrottlesPasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Fail(awssim.Rule{Service: "cloudformation", Kind: awssim.Throttle, Times: 4})
	out, err := w.run("prod")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"Data": "created", "Api": "created", "Edge": "created"}, actions(out))
	total := 0
	for call, n := range w.Calls() {
		if strings.HasPrefix(call, "cloudformation:") {
			total += n
		}
	}
	assert.Less(t, total, 4+3*30, "no more calls than the storm and some")
}

// TestEveryCallSurvivesALostAnswer lets each kind of call take effect once and
// drops the connection before the answer. The calls to CloudFormation are put
// through more in package cfn, in virtual time.
func TestEveryCallSurvivesALostAnswer(t *testing.T) {
	t.Parallel()
	calls := []string{
		"sts:GetCallerIdentity", "sts:AssumeRole", "ssm:GetParameter", "s3:ListObjectsV2", "s3:GetBucketLocation", "s3:GetBucketEncryption", "s3:PutObject",
		"cloudformation:DescribeStacks", "cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet", "cloudformation:ExecuteChangeSet", "cloudformation:DescribeStackEvents",
	}
	w := newWorld(t)
	for _, call := range calls {
		service, operation, _ := strings.Cut(call, ":")
		w.Fail(awssim.Rule{Service: service, Operation: operation, Times: 1, Kind: awssim.Drop, AfterEffect: true})
	}
	out, err := w.run("prod")
	require.NoError(t, err, w.log.String())
	assert.Equal(t, map[string]string{"Data": "created", "Api": "created", "Edge": "created"}, actions(out))
	counts := w.Calls()
	for _, call := range calls {
		assert.GreaterOrEqual(t, counts[call], 2, "%s was lost and made again", call)
	}
	assert.Empty(t, executedTwice(w))
}

// executedTwice names the stacks for which more than one change set was executed.
func executedTwice(w *world) (names []string) {
	executed := map[string]int{}
	for _, record := range w.History() {
		if record.Operation == "ExecuteChangeSet" && record.Code == "" && record.Status == 200 {
			if executed[record.Target]++; executed[record.Target] == 2 {
				names = append(names, record.Target)
			}
		}
	}
	return names
}

func TestSessionsThatEndAreRenewedDuringALongDeployment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *cloudformation.Options) {
		o.ResourceTime = func(string, string) time.Duration { return 40 * time.Minute }
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(100 * time.Millisecond)
			w.Clock().Advance(2 * time.Minute)
		}
	})
	out, err := w.run("prod")
	cancel()
	wait.Wait()
	require.NoError(t, err, w.log.String())
	assert.Equal(t, map[string]string{"Data": "created", "Api": "created", "Edge": "created"}, actions(out))
	expired := 0
	for _, record := range w.History() {
		if strings.HasPrefix(record.Code, "ExpiredToken") {
			expired++
		}
	}
	assert.Positive(t, expired, "sessions did end")
}

func TestAKilledDeploymentIsPickedUp(t *testing.T) {
	t.Parallel()
	// A deployment is stopped at many moments; the next one ends in the same state and executes nothing twice.
	out := filepath.Join(t.TempDir(), "cdk.out")
	newWorld(t).synthesizeInto(out)
	ready := func(in *deploy.Input) { in.Assembly = out }
	for _, after := range []string{"assets", "preparing", "executing", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"} {
		t.Run(after, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *cloudformation.Options) {
				o.ResourceTime = func(string, string) time.Duration { return 300 * time.Millisecond }
			})
			ctx, kill := context.WithCancel(t.Context())
			defer kill()
			w.onEvent = func(e progress.Event) {
				if e.Step == after || after == "assets" && e.Step == "published" {
					kill()
				}
			}
			_, err := w.runIn(ctx, "dev", ready)
			require.Error(t, err)
			assert.Equal(t, errs.Cancelled, errs.KindOf(err))
			w.onEvent = nil
			out, err := w.run("dev", ready)
			require.NoError(t, err, w.log.String())
			assert.Len(t, actions(out), 3)
			assert.Empty(t, executedTwice(w))
			again, err := w.run("dev", ready)
			require.NoError(t, err)
			assert.Equal(t, map[string]string{"Data": "unchanged", "Api": "unchanged", "Edge": "unchanged"}, actions(again))
		})
	}
}

func TestAChangeIsAnUpdateAndProtectionFollows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.run("dev")
	require.NoError(t, err)
	w.shape("changed")
	out, err := w.run("dev")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"Data": "updated", "Api": "unchanged", "Edge": "unchanged"}, actions(out))
	assert.Equal(t, "1 to modify", out.Summary.Stacks[0].Changes)
	w.shape("protected")
	_, err = w.run("dev")
	require.NoError(t, err)
	assert.Equal(t, 1, w.Calls()["cloudformation:UpdateTerminationProtection"])
}

func TestALargeTemplateIsDeployedFromTheBucket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shape("large")
	out, err := w.run("dev")
	require.NoError(t, err)
	assert.Equal(t, "401 to add", out.Summary.Stacks[2].Changes)
}

func TestErrorsOfTheAppStopADeploymentAndWarningsAreShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shape("error")
	_, err := w.run("dev")
	require.ErrorContains(t, err, "the CDK app reports errors:\n  Api: this is wrong")
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	w.shape("warning")
	_, err = w.run("dev")
	require.NoError(t, err)
	assert.Contains(t, w.log.String(), "look here")
}

func TestAFailedValidationCreatesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.validated()
	w.shape("invalid")
	_, err := w.run("dev")
	require.ErrorContains(t, err, "the validation of the templates failed (CloudFormation Validate):\n  Api/Bad: DelaySeconds")
	for _, call := range []string{"cloudformation:CreateChangeSet", "s3:PutObject"} {
		assert.Zero(t, w.Calls()[call], call)
	}
}

func TestAssetsArePublishedAheadButAfterTheStacksThatTheirOwnStackNeeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Stacks().FailResource(cloudformation.Rule{Stack: "Data", Type: "AWS::SQS::Queue", Delay: 3 * time.Second, OnlySlow: true})
	_, err := w.run("dev", func(in *deploy.Input) { in.Concurrency = 1 })
	require.NoError(t, err)
	at := func(subject, step string) int {
		found := slices.IndexFunc(w.events, func(e progress.Event) bool { return e.Subject == subject && e.Step == step })
		require.GreaterOrEqual(t, found, 0, "%s %s", subject, step)
		return found
	}
	assert.Less(t, at("Edge Template", "published"), at("Data", "finished"), "Edge needs nothing")
	assert.Greater(t, at("Api Template", "published"), at("Data", "finished"), "Api needs Data")
}

func TestARoleThatAnEarlierStackCreatesPublishesTheAssetsOfALaterOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shape("late role")
	_, err := w.run("dev")
	require.NoError(t, err)
	assert.NotContains(t, w.log.String(), "cannot assume a role")
	published := map[string]int{}
	for _, record := range w.History() {
		if record.Operation == "PutObject" {
			published[strings.Split(record.Caller, "/")[1]]++
		}
	}
	assert.Positive(t, published["publisher"], "%v", published)
	assert.Zero(t, published["admin"], "the role was not there when the assets were built, and was asked for again")
}

func TestRulesThatTheAppDoesNotEnforceAreCheckedWithAdvice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write("cdk.json", `{"app": "node app.js"}`)
	w.shape("invalid")
	_, err := w.run("dev")
	require.NoError(t, err)
	assert.NotContains(t, w.log.String(), "DelaySeconds: 1000")
	assert.Contains(t, w.log.String(), "use --advice to see the findings")

	_, err = w.run("dev", func(in *deploy.Input) { in.Force, in.Advice = true, true })
	require.NoError(t, err)
	assert.Regexp(t, `level=WARN msg="DelaySeconds: .*construct=Api/Bad`, w.log.String())
}

func TestInvalidInputStopsBeforeAnythingIsDeployed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nothing := func(t *testing.T) {
		t.Helper()
		assert.Zero(t, w.Calls()["cloudformation:CreateChangeSet"])
	}
	cases := []struct {
		name, environments, says, hint string
		kind                           errs.Kind
	}{
		{
			"an account that does not let us in", `[{name: dev, account: "333333333333", region: eu-west-1, stacks: [{name: Data}]}]`,
			"accessing environment dev (account 333333333333, eu-west-1)", "--trust 111111111111", errs.Invalid,
		},
		{
			"a role of another account", `[{name: dev, account: "111111111111", region: eu-west-1, roleArn: "arn:aws:iam::222222222222:role/x", stacks: [{name: Data}]}]`,
			"roleArn is of the account", "", errs.Invalid,
		},
		{
			"a region that is not bootstrapped", `[{name: dev, account: "111111111111", region: ap-southeast-2, stacks: [{name: Data}]}]`,
			"account 111111111111 is not bootstrapped in ap-southeast-2", "cdk bootstrap aws://111111111111/ap-southeast-2", errs.Invalid,
		},
		{
			"a stack that the app lacks", `[{name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Dta}]}]`,
			`the CDK app has no stack "Dta"; its stacks are Data, Api, Edge`, "did you mean Data?", errs.Invalid,
		},
		{
			"a hook that fails", `[{name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Data}], hooks: {preDeploy: ["exit 3"]}}]`,
			"pre-deploy hook of environment dev", "", errs.Failed,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w.configure(" " + c.environments + "\n")
			_, err := w.run("dev")
			require.ErrorContains(t, err, c.says)
			assert.Equal(t, c.kind, errs.KindOf(err))
			assert.Contains(t, errs.HintOf(err), c.hint)
			nothing(t)
		})
	}
	t.Run("an environment that the commit dropped", func(t *testing.T) {
		w.configure(` [{name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Data}]}]` + "\n")
		out, err := w.run("prod")
		require.NoError(t, err)
		assert.Empty(t, out.Outputs)
		assert.Contains(t, w.log.String(), "this commit's configuration does not have the environment; nothing to deploy")
		nothing(t)
	})
	t.Run("a misspelt environment, by hand", func(t *testing.T) {
		w.configure(` [{name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Data}]}]` + "\n")
		_, err := w.byHand("prod")
		require.ErrorContains(t, err, `no environment "prod": its environments are dev`)
		assert.Equal(t, errs.Invalid, errs.KindOf(err))
		nothing(t)
	})
	t.Run("an artifact that was changed", func(t *testing.T) {
		w.fetch = func() error { return errs.Failedf("the artifact is not what the build stored") }
		_, err := w.run("dev", func(in *deploy.Input) {
			in.Source, in.Artifact, in.Digest = "", commit+"/x.tar.zst", "sha256:"+strings.Repeat("0", 64)
		})
		require.ErrorContains(t, err, "is not what the build stored")
		nothing(t)
	})
}

func TestAFinishedAssemblyIsDeployedWithoutTheApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := filepath.Join(t.TempDir(), "cdk.out")
	w.synthesizeInto(out)
	require.NoError(t, os.Remove(filepath.Join(w.source, "app.js")))
	result, err := w.run("dev", func(in *deploy.Input) { in.Assembly = out })
	require.NoError(t, err)
	assert.Len(t, actions(result), 3)
	assert.Equal(t, "created", result.Summary.Stacks[0].Action)
}

func TestTheOwnRoleWithItsExternalIDDeploys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.makeRole(prod, "AphexPipelineCrossAccountRole", "the-word")
	configure := func(word string) {
		w.configure(fmt.Sprintf(` [{name: prod, account: "222222222222", region: eu-central-1, roleArn: "arn:aws:iam::222222222222:role/AphexPipelineCrossAccountRole", externalId: %q, stacks: [{name: Data}]}]`+"\n", word))
	}
	configure("another")
	_, err := w.run("prod")
	require.ErrorContains(t, err, "may not assume arn:aws:iam::222222222222:role/AphexPipelineCrossAccountRole")
	configure("the-word")
	out, err := w.run("prod")
	require.NoError(t, err, w.log.String())
	assert.Equal(t, map[string]string{"Data": "created"}, actions(out))
}

// unprepared is a bucket that cannot be stored to.
type unprepared struct{ bucket.Bucket }

func (unprepared) Prepare(context.Context) error { return errs.Invalidf("there is no such bucket") }

func TestNothingIsDeployedWithABucketThatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.deps()
	d.Bucket = unprepared{d.Bucket}
	_, err := deploy.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.DiscardHandler), Out: io.Discard, Redactor: redact.New()},
		deploy.Input{Environment: "dev", Config: "aphex-config.yaml", Limit: patience, Workspace: bucket.Workspace{Commit: commit, Source: w.source, Bucket: "artifacts"}})
	require.ErrorContains(t, err, "there is no such bucket")
	assert.Empty(t, w.Calls())
}
