package conformance_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	simcloudformation "github.com/aphex/aphex-pipeline/awssim/cloudformation"
)

// killings are deployments that are killed: three stacks with assets, of which
// Base is updated and the others are created, Api after Base.
type killings struct {
	first, app string // folders of the app before and after the change
	state      string // the cloud with Base as it was before
	calls      int    // of an undisturbed deployment
	end        string // what an undisturbed deployment leaves
}

// resourceTime is how long a resource takes, so that much of a deployment's
// time is spent in the middle of operations.
const resourceTime = 300 * time.Millisecond

func newKillings(t *testing.T) *killings {
	t.Helper()
	topic := func(name string) document { return resource("SNS::Topic", document{"DisplayName": name}) }
	base := made{name: "Base", published: true, file: "a file for the base that is no empty archive", resources: document{"Topic": topic("before"), "Named": parameter("/shop/before")}}
	k := &killings{first: madeApp(t, base)}
	base.resources = document{"Topic": topic("after"), "Named": parameter("/shop/after"), "Queue": resource("SQS::Queue", document{}, "Topic")}
	api := made{name: "Api", after: []string{"Base"}, published: true, folder: []string{"one file", "another file"}, resources: document{
		"Topic": topic("api"), "Queue": resource("SQS::Queue", document{}, "Topic"),
	}}
	web := made{name: "Web", protected: true, file: strings.Repeat("a page", 100_000), resources: document{"Topic": topic("web"), "Queue": resource("SQS::Queue", document{}, "Topic")}}
	k.app = madeApp(t, base, api, web)

	k.state = filepath.Join(t.TempDir(), "state")
	prepare(t)
	c := newCloudAt(t, k.state, simcloudformation.Options{})
	c.environ = unvalidated
	c.deploys(k.first)
	require.NoError(t, c.Close())
	c = k.cloud(t)
	c.deploys(k.app)
	for _, n := range c.Calls() {
		k.calls += n
	}
	k.end = c.rest()
	return k
}

func parameter(name string) document {
	return resource("SSM::Parameter", document{"Name": name, "Type": "String", "Value": "x"})
}

// cloud is a copy of the cloud before the deployment.
func (k *killings) cloud(t *testing.T) *cloud {
	t.Helper()
	state := filepath.Join(t.TempDir(), "cloud")
	require.NoError(t, os.CopyFS(state, os.DirFS(k.state)))
	c := newCloudAt(t, state, simcloudformation.Options{ResourceTime: func(string, string) time.Duration { return resourceTime }})
	c.environ = unvalidated
	return c
}

// unvalidated switches the CDK's own validation off, which takes seconds of work each time.
var unvalidated = []string{"CDK_VALIDATION=false"}

// deploys is a deployment that must succeed.
func (c *cloud) deploys(app string, args ...string) (printed string) {
	c.t.Helper()
	printed, code := c.deployer(app, args...)
	require.Zero(c.t, code, printed)
	return printed
}

// rest is the state of a cloud in which no operation is under way, with what
// is left of change sets.
func (c *cloud) rest() string {
	c.t.Helper()
	s := c.state()
	text := s.String()
	api := cloudformation.NewFromConfig(c.as(dev, ireland))
	for _, path := range slices.Sorted(maps.Keys(s.Stacks)) {
		name := strings.TrimPrefix(path, dev+"/"+ireland+"/")
		left, err := api.ListChangeSets(c.t.Context(), &cloudformation.ListChangeSetsInput{StackName: &name})
		require.NoError(c.t, err)
		for _, set := range left.Summaries {
			text += fmt.Sprintln(name, *set.ChangeSetName, set.Status, set.ExecutionStatus)
		}
	}
	return text
}

// operations returns how the operations of a stack began, oldest first.
func (c *cloud) operations(name string) (begun []string) {
	c.t.Helper()
	api := cloudformation.NewFromConfig(c.as(dev, ireland))
	pages := cloudformation.NewDescribeStackEventsPaginator(api, &cloudformation.DescribeStackEventsInput{StackName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.t.Context())
		require.NoError(c.t, err)
		for _, event := range page.StackEvents {
			status := string(event.ResourceStatus)
			if *event.PhysicalResourceId == *event.StackId && (status == "CREATE_IN_PROGRESS" || status == "UPDATE_IN_PROGRESS") {
				begun = append([]string{status}, begun...)
			}
		}
	}
	return begun
}

// assertOnce holds that nothing was done twice by whoever deployed.
func (k *killings) assertOnce(t *testing.T, c *cloud) {
	t.Helper()
	assert.Equal(t, []string{"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}, c.operations("Base"))
	assert.Equal(t, []string{"CREATE_IN_PROGRESS"}, c.operations("Api"))
	assert.Equal(t, []string{"CREATE_IN_PROGRESS"}, c.operations("Web"))
	put := map[string]int{}
	for _, record := range c.History() {
		if record.Operation == "PutObject" && record.Status == 200 {
			put[record.Target]++
		}
	}
	assert.NotEmpty(t, put)
	for object, times := range put {
		assert.Equal(t, 1, times, "%s was stored more than once", object)
	}
}

// moment is when a deployment is killed: some time after it has made so many calls.
type moment struct {
	calls int
	then  time.Duration
}

// seed is the seed of the random moments, or what SEED says.
func seed(t *testing.T) uint64 {
	t.Helper()
	chosen := uint64(time.Now().UnixNano())
	if given := os.Getenv("SEED"); given != "" {
		parsed, err := strconv.ParseUint(given, 10, 64)
		require.NoError(t, err)
		chosen = parsed
	}
	t.Logf("run this again with SEED=%d", chosen)
	return chosen
}

// moments are spread over all calls of a deployment; the first comes before any call.
func (k *killings) moments(t *testing.T, n int) (list []moment) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed(t), 0))
	for i := range n {
		share := (float64(i) + random.Float64()) / float64(n)
		list = append(list, moment{calls: int(share * float64(k.calls)), then: time.Duration(random.Int64N(int64(200 * time.Millisecond)))})
	}
	return list
}

const waiting = "an operation is in progress"

// TestADeploymentKilledAtAnyMomentIsFinishedByTheNext kills real processes, and
// compares what the next one leaves with what an undisturbed one leaves.
func TestADeploymentKilledAtAnyMomentIsFinishedByTheNext(t *testing.T) {
	k := newKillings(t)
	var killed, attached atomic.Int32
	t.Run("moments", func(t *testing.T) {
		for i, m := range k.moments(t, 20) {
			t.Run(fmt.Sprintf("%s after call %d of %d", m.then.Round(time.Millisecond), m.calls, k.calls), func(t *testing.T) {
				t.Parallel()
				c := k.cloud(t)
				if k.killAt(c, m) {
					killed.Add(1)
				}
				again := "run-1" // the same run tries again, or the next one comes
				if i%2 == 1 {
					again = "run-2"
				}
				if strings.Contains(c.deploys(k.app, "--workflow", again), waiting) {
					attached.Add(1)
				}
				assert.Equal(t, k.end, c.rest())
				k.assertOnce(t, c)
			})
		}
	})
	t.Logf("%d were killed before their end; %d were then attached to", killed.Load(), attached.Load())
	assert.GreaterOrEqual(t, killed.Load(), int32(15))
}

// killAt begins a deployment and kills it at the moment, unless it ends before.
func (k *killings) killAt(c *cloud, m moment) bool {
	c.t.Helper()
	reached, calls := make(chan struct{}), atomic.Int32{}
	if m.calls == 0 {
		close(reached)
	}
	c.Fail(awssim.Rule{Match: func(*awssim.Record) bool {
		if int(calls.Add(1)) == m.calls {
			close(reached)
		}
		return false
	}})
	defer c.Heal()
	process := c.start(k.app, "--workflow", "run-1")
	select {
	case <-reached:
	case <-process.ended:
	}
	time.Sleep(m.then)
	return process.kill()
}

// frozen is a state in the middle of an operation, in which it stays until the
// simulator's clock is moved on.
type frozen struct {
	stack, status string
	faults        []simcloudformation.Rule
	operations    []string // of the stack in the end, with those of the killed run
}

// TestADeploymentKilledInTheMiddleOfAnOperationIsAttachedTo kills real
// processes while CloudFormation is at work.
func TestADeploymentKilledInTheMiddleOfAnOperationIsAttachedTo(t *testing.T) {
	k := newKillings(t)
	update := []string{"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}
	slow := func(rule simcloudformation.Rule) simcloudformation.Rule {
		rule.Delay, rule.OnlySlow, rule.Times = 10*time.Minute, true, 1
		return rule
	}
	for _, f := range []frozen{
		{"Api", "CREATE_IN_PROGRESS", []simcloudformation.Rule{slow(simcloudformation.Rule{Stack: "Api", LogicalID: "Topic"})}, update[:1]},
		{"Web", "CREATE_IN_PROGRESS", []simcloudformation.Rule{slow(simcloudformation.Rule{Stack: "Web", LogicalID: "Topic"})}, update[:1]},
		{"Base", "UPDATE_IN_PROGRESS", []simcloudformation.Rule{slow(simcloudformation.Rule{Stack: "Base", LogicalID: "Topic"})}, update},
		{"Base", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", []simcloudformation.Rule{slow(simcloudformation.Rule{Stack: "Base", Operation: "DELETE"})}, update},
		{"Base", "UPDATE_ROLLBACK_IN_PROGRESS", []simcloudformation.Rule{
			{Stack: "Base", LogicalID: "Queue", Times: 1}, {Stack: "Base", LogicalID: "Topic", Times: 1, OnlySlow: true}, // on the way there
			slow(simcloudformation.Rule{Stack: "Base", LogicalID: "Topic"}), // and back
		}, append(update, "UPDATE_IN_PROGRESS")},
	} {
		t.Run(f.stack+" "+f.status, func(t *testing.T) {
			t.Parallel()
			c := k.cloud(t)
			for _, rule := range f.faults {
				c.Stacks().FailResource(rule)
			}
			process := c.start(k.app, "--workflow", "run-1")
			c.becomes(f.stack, f.status)
			require.True(t, process.kill(), process.printed())
			again := c.start(k.app, "--workflow", "run-1")
			again.prints(waiting + " (" + f.status + "); waiting for it")
			c.Clock().Advance(10 * time.Minute)
			require.Zero(t, again.wait(), again.printed())
			assert.Equal(t, k.end, c.rest())
			assert.Equal(t, f.operations, c.operations(f.stack))
		})
	}
}

// statusOf is the state of a stack of dev in Ireland; empty when there is none.
func (c *cloud) statusOf(name string) string {
	api := cloudformation.NewFromConfig(c.as(dev, ireland))
	found, err := api.DescribeStacks(c.t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return ""
	}
	return string(found.Stacks[0].StackStatus)
}
