package cfn_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/aphex/aphex-pipeline/awssim"
	simcloudformation "github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
)

// inProcess lets an HTTP client call a handler without a network, so that the
// real SDK and the simulator work in virtual time.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	defer func() {
		if recover() != nil {
			answer, err = nil, io.ErrUnexpectedEOF // the connection was dropped
		}
	}()
	received := r.Clone(r.Context()) // as a server sees it
	received.Host, received.RequestURI = r.URL.Host, r.URL.RequestURI()
	if r.Body == nil {
		received.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	p.handler.ServeHTTP(recorder, received)
	return recorder.Result(), nil
}

// simulated is a simulator with a client for it, as the stages make it.
func simulated(t *testing.T, resource time.Duration) (*awssim.Server, aws.Config) {
	sim, err := awssim.New(awssim.Options{Dir: t.TempDir(), Stacks: simcloudformation.Options{ResourceTime: func(string, string) time.Duration { return resource }}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = sim.Close() })
	cfg, err := awsauth.Load(context.Background(), "eu-west-1")
	require.NoError(t, err)
	cfg.BaseEndpoint = aws.String("http://simulator.test")
	cfg.HTTPClient = &http.Client{Transport: inProcess{sim}}
	keys := sim.AddAccount("111111111111")
	cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey}, nil
	})
	return sim, cfg
}

func TestFiftyStacksFinishUnderAStormOfThrottles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, cfg := simulated(t, 30*time.Second)
		limit := rate.NewLimiter(5, 5) // CloudFormation takes five calls a second
		sim.Fail(awssim.Rule{Service: "cloudformation", Kind: awssim.Throttle, Match: func(*awssim.Record) bool { return !limit.Allow() }})
		start, budget, api := time.Now(), cfn.NewBudget(), cfn.NewClient(cfg)
		var wait sync.WaitGroup
		for i := range 50 {
			wait.Go(func() {
				g := cfn.Goal{Name: fmt.Sprintf("Stack%d", i), Template: []byte(`{"Resources":{"Q":{"Type":"AWS::SQS::Queue"}}}`)}
				_, err := cfn.Deploy(t.Context(), api, g, cfn.Options{Budget: budget})
				assert.NoError(t, err)
			})
		}
		wait.Wait()
		total := 0
		for _, n := range sim.Calls() {
			total += n
		}
		t.Logf("50 stacks took %s and %d calls", time.Since(start), total)
		assert.Less(t, time.Since(start), 6*time.Minute, "five calls a second are enough for 50 stacks in 200 s")
		assert.Less(t, total, 1500, "the refused calls included: few of them")
		assert.Equal(t, 1, operations(t, api, "Stack49"))
	})
}

// TestAFleetLeavesCallsToItsNeighbours has another tool in the account, which calls twice a
// second and gives up. It is refused less than half of the time while 50 stacks are deployed.
func TestAFleetLeavesCallsToItsNeighbours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, cfg := simulated(t, 30*time.Second)
		limit := rate.NewLimiter(10, 10)
		sim.Fail(awssim.Rule{Service: "cloudformation", Kind: awssim.Throttle, Match: func(*awssim.Record) bool { return !limit.Allow() }})
		budget, api := cfn.NewBudget(), cfn.NewClient(cfg)
		var wait sync.WaitGroup
		for i := range 50 {
			wait.Go(func() {
				g := cfn.Goal{Name: fmt.Sprintf("Stack%d", i), Template: []byte(`{"Resources":{"Q":{"Type":"AWS::SQS::Queue"}}}`)}
				_, err := cfn.Deploy(t.Context(), api, g, cfn.Options{Budget: budget})
				assert.NoError(t, err)
			})
		}
		ended := make(chan struct{})
		go func() { wait.Wait(); close(ended) }()
		neighbour := cloudformation.NewFromConfig(cfg, func(o *cloudformation.Options) { o.RetryMaxAttempts, o.Retryer = 1, aws.NopRetryer{} })
		calls, refused := 0, 0
		for tick := time.Tick(500 * time.Millisecond); ; calls++ {
			select {
			case <-ended:
				t.Logf("%d of %d calls of the neighbour were refused", refused, calls)
				assert.Less(t, refused*2, calls)
				assert.Greater(t, calls, 100, "in at least 50 s")
				return
			case <-tick:
				if _, err := neighbour.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{}); err != nil {
					refused++
				}
			}
		}
	})
}

// operations counts how often a stack was created or updated.
func operations(t *testing.T, api cfn.API, stack string) (n int) {
	page, err := api.DescribeStackEvents(t.Context(), &cloudformation.DescribeStackEventsInput{StackName: &stack})
	require.NoError(t, err)
	for _, event := range page.StackEvents {
		begun := event.ResourceStatus == types.ResourceStatusCreateInProgress || event.ResourceStatus == types.ResourceStatusUpdateInProgress
		if begun && aws.ToString(event.ResourceType) == "AWS::CloudFormation::Stack" {
			n++
		}
	}
	return n
}

// TestEveryCallSurvivesFaults loses the answer of each kind of call, drops it
// before it takes effect, and fails the server, each several times.
func TestEveryCallSurvivesFaults(t *testing.T) {
	faults := []awssim.Rule{{Kind: awssim.Drop}, {Kind: awssim.Drop, AfterEffect: true}, {Kind: awssim.Status, Status: 503, AfterEffect: true}, {Kind: awssim.Status, Status: 500}}
	calls := []string{
		"DescribeStacks", "GetTemplate", "CreateChangeSet", "DescribeChangeSet", "DeleteChangeSet", "ExecuteChangeSet", "DescribeStackEvents",
		"UpdateTerminationProtection",
	}
	for _, call := range calls {
		for _, rule := range faults {
			synctest.Test(t, func(t *testing.T) {
				sim, cfg := simulated(t, time.Second)
				api := cfn.NewClient(cfg)
				first := cfn.Goal{Name: "Shop", Template: []byte(`{"Resources":{"Q":{"Type":"AWS::SQS::Queue"}}}`)}
				rule.Service, rule.Operation, rule.Times = "cloudformation", call, 3
				sim.Fail(rule)
				result, err := cfn.Deploy(t.Context(), api, first, cfn.Options{})
				require.NoError(t, err, call)
				assert.Equal(t, cfn.Created, result.Action)

				second := first
				second.Template = []byte(`{"Resources":{"Q":{"Type":"AWS::SQS::Queue"},"R":{"Type":"AWS::SQS::Queue"}}}`)
				second.TerminationProtection = true
				_, err = cfn.Deploy(t.Context(), api, second, cfn.Options{PlanOnly: true})
				require.NoError(t, err, call)
				result, err = cfn.Deploy(t.Context(), api, second, cfn.Options{Force: true})
				require.NoError(t, err, call)
				assert.Equal(t, cfn.Updated, result.Action)
				assert.Equal(t, 2, operations(t, api, "Shop"), "%s: nothing is executed twice", call)
				result, err = cfn.Deploy(t.Context(), api, second, cfn.Options{Force: true})
				require.NoError(t, err, call)
				assert.Equal(t, cfn.Unchanged, result.Action)
			})
		}
	}
}
