package deploy_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/deploy"
)

const (
	devWith     = "\n  - {name: dev, account: \"111111111111\", region: eu-west-1, stacks: [%s]}\n"
	all         = "{name: Data}, {name: Api}, {name: Edge}"
	nowhere     = "no environment deploys it there any more"
	noSuchPlace = "its environment is not in the configuration any more"
)

func devOf(stacks string) string { return strings.Replace(devWith, "%s", stacks, 1) }

// deleteStack deletes a stack of dev as a person does.
func (w *world) deleteStack(name, region string) {
	w.t.Helper()
	base, err := w.base(w.t.Context())
	require.NoError(w.t, err)
	base.Region = region
	_, err = cfn.NewClient(base).DeleteStack(w.t.Context(), &cloudformation.DeleteStackInput{StackName: &name})
	require.NoError(w.t, err)
	require.Eventually(w.t, func() bool {
		found, err := cfn.Find(w.t.Context(), cfn.NewClient(base), name)
		return err == nil && found == nil
	}, patience, 10*time.Millisecond)
}

func reasons(removed []stage.RemovedStack) map[string]string {
	all := map[string]string{}
	for _, r := range removed {
		all[r.Name+" "+r.Account+" "+r.Region] = r.Reason
	}
	return all
}

// removed looks at all environments as a run does, and says how many stacks were asked for.
func (w *world) removed() (found map[string]string, asked int) {
	w.t.Helper()
	w.ForgetCalls()
	checked, err := w.check()
	require.NoError(w.t, err)
	return reasons(checked.Removed), w.Calls()["cloudformation:DescribeStacks"]
}

func TestStacksThatEarlierRunsDeployedAreNamedUntilTheyAreGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.MakeBootstrap(dev, "eu-central-1", "hnb659fds", dev))
	_, err := w.run("dev")
	require.NoError(t, err, w.log.String()+w.out.String())
	before := w.stored.Document(bucket.StacksKey("dev"))
	for name, c := range map[string]struct {
		environments string
		want         map[string]string
	}{
		"nothing is gone": {devOf(all), map[string]string{}},
		"stacks that are not listed any more": {devOf("{name: Data}"), map[string]string{
			"Api 111111111111 eu-west-1": nowhere, "Edge 111111111111 us-east-1": nowhere,
		}},
		"an environment that is gone": {"\n  - {name: prod, account: \"222222222222\", region: eu-central-1, stacks: [" + all + "]}\n", map[string]string{
			"Data 111111111111 eu-west-1": noSuchPlace, "Api 111111111111 eu-west-1": noSuchPlace, "Edge 111111111111 us-east-1": noSuchPlace,
		}},
		"an environment that has another name": {strings.Replace(devOf(all), "dev", "development", 1), map[string]string{}},
		"stacks that moved to another environment": {
			devOf("{name: Data}") + "  - {name: second, account: \"111111111111\", region: eu-west-1, stacks: [{name: Api}, {name: Edge}]}\n", map[string]string{},
		},
		"an environment of another region": {strings.Replace(devOf("{name: Data}, {name: Edge}"), "eu-west-1", "eu-central-1", 1), map[string]string{
			"Data 111111111111 eu-west-1": nowhere, "Api 111111111111 eu-west-1": nowhere,
		}},
	} {
		w.configure(c.environments)
		found, asked := w.removed()
		assert.Equal(t, c.want, found, name)
		assert.Equal(t, len(c.want), asked, "%s: one question a stack", name)
		assert.Equal(t, before, w.stored.Document(bucket.StacksKey("dev")), name)
	}

	w.configure(devOf("{name: Data}"))
	w.deleteStack("Edge", "us-east-1")
	found, asked := w.removed()
	assert.Equal(t, map[string]string{"Api 111111111111 eu-west-1": nowhere}, found)
	assert.Equal(t, 2, asked, "the last time that Edge is asked for")
	_, asked = w.removed()
	assert.Equal(t, 1, asked)
	assert.Contains(t, w.log.String(), "delete it with: aws cloudformation delete-stack --stack-name Api --region eu-west-1")
}

func TestALocalDeploymentReportsRemovedStacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	both := func(here, there string) string {
		return devOf(here) + "  - {name: other, account: \"111111111111\", region: us-east-1, stacks: [" + there + "]}\n"
	}
	w.configure(both("{name: Data}, {name: Edge}", "{name: Data}"))
	out, err := w.byHand("dev")
	require.NoError(t, err, w.log.String()+w.out.String())
	assert.Empty(t, out.Summary.Removed)

	w.configure(both("{name: Data}", "{name: Data}, {name: Edge}"))
	out, err = w.byHand("dev")
	require.NoError(t, err)
	assert.Empty(t, out.Summary.Removed, "it is a stack of the other environment now")

	w.configure(both("{name: Data}", "{name: Data}"))
	out, err = w.run("dev")
	require.NoError(t, err)
	assert.Empty(t, out.Summary.Removed, "the pipeline's step says it in a run")
	out, err = w.byHand("dev")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"Edge 111111111111 us-east-1": nowhere}, reasons(out.Summary.Removed))
	assert.Contains(t, w.log.String(), "Edge in 111111111111 us-east-1 was deployed by an earlier run (environment dev) and no environment deploys it there any more")

	w.configure(strings.Replace(devOf("{name: Data}"), "dev", "late", 1))
	out, err = w.byHand("late")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"Edge 111111111111 us-east-1": noSuchPlace}, reasons(out.Summary.Removed))
}

func TestAStackThatCannotBeAskedForIsNamedWithTheCause(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stored.Set(bucket.StacksKey("old"), `{"stacks":[`+
		`{"stack":"Till","name":"Till","account":"333333333333","region":"eu-west-1","environmentRegion":"eu-west-1"}]}`)
	w.configure(devOf("{name: Data}"))
	checked, err := w.check()
	require.NoError(t, err, "no run fails for it")
	require.Len(t, checked.Removed, 1)
	assert.Equal(t, noSuchPlace, checked.Removed[0].Reason)
	assert.Contains(t, checked.Removed[0].Unknown, "cdk-hnb659fds-lookup-role-333333333333-eu-west-1")
	assert.Contains(t, checked.Removed[0].String(), "checking whether it still exists failed")
	assert.Contains(t, checked.Removed[0].String(), "delete its entry in metadata/stacks/old.json")

	w.stored.Set(bucket.StacksKey("older"), strings.ReplaceAll(w.stored.Document(bucket.StacksKey("old")), "333333333333", prod))
	w.stored.Set(bucket.StacksKey("older"), strings.ReplaceAll(w.stored.Document(bucket.StacksKey("older")), "eu-west-1", "eu-central-1"))
	checked, err = w.check()
	require.NoError(t, err)
	assert.Len(t, checked.Removed, 1, "where the role that deployed is not known, the one for lookups asks")
	assert.NotContains(t, w.stored.Document(bucket.StacksKey("older")), "Till")

	w.stored.Set(bucket.StacksKey("dev"), w.stored.Document(bucket.StacksKey("old")))
	found, _ := w.removed()
	assert.Equal(t, map[string]string{"Till 333333333333 eu-west-1": "is not in the app any more"}, found)
}

// TestARemovedStackOfARoleThatOnlyDeploymentsAssumeIsLeftToAPerson is about the update of the
// pipeline: it may not assume roles of accounts' own, and would leave refused calls in their audit logs.
func TestARemovedStackOfARoleThatOnlyDeploymentsAssumeIsLeftToAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const own = "arn:aws:iam::222222222222:role/delivery"
	w.stored.Set(bucket.StacksKey("old"), `{"stacks":[{"stack":"Till","name":"Till","account":"222222222222","region":"eu-west-1","environmentRegion":"eu-west-1","roleArn":"`+own+`"}]}`)
	w.configure(devOf("{name: Data}"))
	for _, looksOnly := range []bool{false, true} {
		d, asked := w.deps(), false
		assume := d.Engine.Assume
		d.Engine.Assume = func(ctx context.Context, log *slog.Logger, target awsauth.Target) (*awsauth.Access, error) {
			asked = asked || target.RoleARN == own
			return assume(ctx, log, target)
		}
		w.looksOnly = looksOnly
		checked, err := w.checkWith(d)
		require.NoError(t, err)
		require.Len(t, checked.Removed, 1)
		assert.Equal(t, !looksOnly, asked)
		assert.Equal(t, looksOnly, strings.Contains(checked.Removed[0].String(), "aws cloudformation describe-stacks --stack-name Till --region eu-west-1"), checked.Removed[0].String())
	}
}

func TestAnInventoryThatNoDeploymentWroteLeadsNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, text := range map[string]string{
		"no JSON":               `what is this`,
		"a list":                `[1]`,
		"a role of elsewhere":   `{"stacks":[{"stack":"A","name":"A","account":"111111111111","region":"eu-west-1","environmentRegion":"eu-west-1","roleArn":"arn:aws:iam::666666666666:role/r"}]}`,
		"a name that is a flag": `{"stacks":[{"stack":"A","name":"--a; rm","account":"111111111111","region":"eu-west-1","environmentRegion":"eu-west-1"}]}`,
		"an escape sequence":    `{"stacks":[{"stack":"\u001b[2J","name":"A","account":"111111111111","region":"eu-west-1","environmentRegion":"eu-west-1"}]}`,
		"no region":             `{"stacks":[{"stack":"A","name":"A","account":"111111111111","region":"evil.example.org/","environmentRegion":"eu-west-1"}]}`,
	} {
		d := w.deps()
		assume := d.Engine.Assume
		d.Engine.Assume = func(ctx context.Context, log *slog.Logger, target awsauth.Target) (*awsauth.Access, error) {
			assert.Equal(t, "111111111111 eu-west-1 ", target.Account+" "+target.Region+" "+target.RoleARN, name)
			return assume(ctx, log, target)
		}
		w.stored.Set(bucket.StacksKey("old"), text)
		w.configure(devOf("{name: Data}"))
		checked, err := w.checkWith(d)
		require.NoError(t, err, name)
		assert.Empty(t, checked.Removed, name)
	}
}

func TestTwoEnvironmentsThatAreDeployedAtOnceKeepWhatEachDeployed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d, done := w.deps(), make(chan error, 2)
	d.Progress.Report = func(progress.Event) {}
	for _, env := range []string{"dev", "prod"} {
		go func() {
			_, err := deploy.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.DiscardHandler), Out: &strings.Builder{}, Stdout: &strings.Builder{}, Redactor: redact.New(), Workflow: "run-1"},
				deploy.Input{Environment: env, Config: "aphex-config.yaml", Limit: patience, Workspace: bucket.Workspace{Commit: commit, Source: w.source, Bucket: "artifacts"}})
			done <- err
		}()
	}
	require.NoError(t, <-done)
	require.NoError(t, <-done)
	require.NoError(t, w.MakeBootstrap(prod, "eu-west-3", "hnb659fds", dev))
	w.configure("\n  - {name: late, account: \"222222222222\", region: eu-west-3, stacks: [{name: Data}]}\n")
	found, _ := w.removed()
	assert.Len(t, found, 6, "%v", found)
}
