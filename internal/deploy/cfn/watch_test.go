package cfn_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// failing is an update in which the given events happen a second apart, before it is rolled back.
func failing(f *fake, events ...func()) {
	f.execute = func() {
		f.status("UPDATE_IN_PROGRESS", "User Initiated")
		for i, event := range events {
			f.later(time.Duration(i+1)*time.Second, event)
		}
		f.later(time.Duration(len(events)+1)*time.Second, func() {
			f.status("UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to update: [Orders].")
		})
		f.later(time.Minute, func() { f.status("UPDATE_ROLLBACK_COMPLETE", "") })
	}
}

func TestTheFirstCauseIsReportedWithItsConstructAndAHint(t *testing.T) {
	g := goal
	g.ConstructPath = func(nested []string, id string) string { return fmt.Sprint("Shop/", id, "/Resource") }
	deploy(t, func() *fake {
		f := newFake().deployed("CREATE_COMPLETE", "{}")
		f.event(arn, "Ancient", "AWS::SQS::Queue", "CREATE_FAILED", "of another operation")
		failing(f,
			func() { f.event(arn, "Early", "AWS::SNS::Topic", "UPDATE_FAILED", "Resource update cancelled") },
			func() {
				f.event(arn, "Orders", "AWS::SQS::Queue", "UPDATE_FAILED", "A queue named\n orders already exists")
			},
			func() { f.event(arn, "Late", "AWS::SQS::Queue", "UPDATE_FAILED", "also wrong") },
		)
		return f
	}, cfn.Options{}, g, func(t *testing.T, _ *fake, result cfn.Result, err error) {
		require.EqualError(t, err, `stack "Shop" failed (UPDATE_ROLLBACK_COMPLETE): Orders (AWS::SQS::Queue, Shop/Orders/Resource): A queue named orders already exists`)
		assert.Equal(t, errs.Failed, errs.KindOf(err))
		assert.Contains(t, errs.HintOf(err), "something of this name exists")
		var cause *cfn.Failure
		require.ErrorAs(t, err, &cause)
		assert.Equal(t, "Orders", cause.Cause.LogicalID)
		require.Len(t, cause.Others, 1)
		assert.Equal(t, "Late", cause.Others[0].LogicalID)
		var around []string
		for _, event := range cause.Around {
			around = append(around, event.LogicalID+" "+event.Status)
		}
		assert.Equal(t, []string{"Shop UPDATE_IN_PROGRESS", "Early UPDATE_FAILED", "Orders UPDATE_FAILED", "Late UPDATE_FAILED", "Shop UPDATE_ROLLBACK_IN_PROGRESS", "Shop UPDATE_ROLLBACK_COMPLETE"}, around)
		assert.Equal(t, cfn.Updated, result.Action)
		assert.Equal(t, "UPDATE_ROLLBACK_COMPLETE", result.Status)
	})
}

func TestTheCauseInANestedStackIsFound(t *testing.T) {
	nested := "arn:aws:cloudformation:eu-west-1:111111111111:stack/Shop-Jobs/2"
	var ids []string
	o := cfn.Options{Notify: func(e cfn.Event) {
		if e.Resource != nil {
			ids = append(ids, e.Resource.ID)
		}
	}}
	deploy(t, func() *fake {
		f := newFake().deployed("CREATE_COMPLETE", "{}")
		f.event(nested, "Old", "AWS::SNS::Topic", "UPDATE_FAILED", "long ago")
		child := func(status, reason string) {
			f.event(arn, "Jobs", "AWS::CloudFormation::Stack", status, reason)
			f.events[arn][len(f.events[arn])-1].PhysicalResourceId = aws.String(nested)
			f.event(nested, "Shop-Jobs", "AWS::CloudFormation::Stack", status, reason)
			f.events[nested][len(f.events[nested])-1].PhysicalResourceId = aws.String(nested)
		}
		failing(f,
			func() { child("UPDATE_IN_PROGRESS", "") },
			func() {
				f.event(nested, "Done", "AWS::SNS::Topic", "UPDATE_FAILED", "Invalid parameter")
				child("UPDATE_FAILED", "Embedded stack was not successfully updated")
			},
		)
		return f
	}, o, goal, func(t *testing.T, _ *fake, _ cfn.Result, err error) {
		require.EqualError(t, err, `stack "Shop" failed (UPDATE_ROLLBACK_COMPLETE): Jobs/Done (AWS::SNS::Topic): Invalid parameter`)
		seen := map[string]bool{}
		for _, id := range ids {
			assert.False(t, seen[id], "event %s was reported twice", id)
			seen[id] = true
		}
	})
}

func TestTheHistoryOfAStackIsNotReadAgain(t *testing.T) {
	old := func() *fake {
		f := newFake().deployed("UPDATE_COMPLETE", "{}")
		for i := range 300 {
			f.event(arn, fmt.Sprint("Old", i), "AWS::SQS::Queue", "UPDATE_COMPLETE", "")
		}
		return f
	}
	var reported []string
	o := cfn.Options{Notify: func(e cfn.Event) {
		if e.Resource != nil {
			reported = append(reported, e.Resource.LogicalID)
		}
	}}
	fewReads := func(t *testing.T, f *fake, _ cfn.Result, err error) {
		require.NoError(t, err)
		reads := 0
		for _, call := range f.calls {
			if call == "DescribeStackEvents" {
				reads++
			}
		}
		assert.LessOrEqual(t, reads, 30, "the history has 100 pages")
		assert.NotContains(t, strings.Join(reported, " "), "Old")
	}
	deploy(t, old, o, goal, fewReads)
	deploy(t, func() *fake {
		f := old()
		f.later(time.Hour-time.Second, func() { f.operation("UPDATE", 5*time.Second) }) // somebody else's
		return f
	}, o, goal, fewReads)
}

func TestAFailedHookIsPartOfTheCause(t *testing.T) {
	deploy(t, func() *fake {
		f := newFake().deployed("CREATE_COMPLETE", "{}")
		failing(f,
			func() {
				f.event(arn, "Orders", "AWS::SQS::Queue", "UPDATE_IN_PROGRESS", "")
				last := &f.events[arn][len(f.events[arn])-1]
				last.HookType, last.HookStatus, last.HookStatusReason = aws.String("Private::Guard::Encrypted"), types.HookStatusHookCompleteFailed, aws.String("queues must be encrypted")
			},
			func() {
				f.event(arn, "Orders", "AWS::SQS::Queue", "UPDATE_FAILED", "The following hook(s) failed: [Private::Guard::Encrypted]")
			},
		)
		return f
	}, cfn.Options{}, goal, func(t *testing.T, _ *fake, _ cfn.Result, err error) {
		require.ErrorContains(t, err, "[Private::Guard::Encrypted]; hook Private::Guard::Encrypted: queues must be encrypted")
	})
}

func TestAStackThatFailsWithoutAResourceReportsItsOwnReason(t *testing.T) {
	deploy(t, func() *fake {
		f := newFake().deployed("CREATE_COMPLETE", "{}")
		failing(f)
		return f
	}, cfn.Options{}, goal, func(t *testing.T, _ *fake, _ cfn.Result, err error) {
		require.EqualError(t, err, `stack "Shop" failed (UPDATE_ROLLBACK_COMPLETE): The following resource(s) failed to update: [Orders].`)
	})
}

func TestStaleReadsOfAStackUnderReviewAreIgnored(t *testing.T) {
	deploy(t, func() *fake {
		f := newFake()
		f.execute = func() { f.later(50*time.Second, func() { f.operation("CREATE", time.Second) }) }
		return f
	}, cfn.Options{}, goal, func(t *testing.T, f *fake, result cfn.Result, err error) {
		require.NoError(t, err)
		assert.Equal(t, "CREATE_COMPLETE", result.Status)
	})
}

func TestAChangeSetThatIsNeverExecutedIsNotWaitedForForever(t *testing.T) {
	deploy(t, func() *fake {
		f := newFake()
		f.execute = func() {}
		return f
	}, cfn.Options{}, goal, func(t *testing.T, _ *fake, _ cfn.Result, err error) {
		require.ErrorContains(t, err, "is still REVIEW_IN_PROGRESS: its change set was never executed")
	})
}

func TestThrottlesWhileWatchingAreTolerated(t *testing.T) {
	throttled := apiError("Throttling", "Rate exceeded")
	deploy(t, func() *fake {
		f := newFake()
		for range 50 {
			f.fails["DescribeStackEvents"] = append(f.fails["DescribeStackEvents"], throttled)
		}
		f.fails["DescribeChangeSet"] = []error{throttled, throttled}
		return f
	}, cfn.Options{}, goal, func(t *testing.T, _ *fake, _ cfn.Result, err error) { require.NoError(t, err) })

	deploy(t, func() *fake {
		f := newFake()
		for range 1000 {
			f.fails["DescribeStackEvents"] = append(f.fails["DescribeStackEvents"], throttled)
		}
		return f
	}, cfn.Options{}, goal, func(t *testing.T, _ *fake, _ cfn.Result, err error) {
		require.ErrorContains(t, err, "CloudFormation has been unreachable for 10m0s; the operation of stack \"Shop\" is still running")
		assert.Equal(t, errs.Temporary, errs.KindOf(err))
	})

	deploy(t, func() *fake {
		f := newFake()
		f.fails["DescribeStackEvents"] = []error{apiError("AccessDenied", "no")}
		return f
	}, cfn.Options{}, goal, func(t *testing.T, _ *fake, _ cfn.Result, err error) {
		require.ErrorContains(t, err, "AccessDenied")
	})
}

// TestTheEndIsNoticedQuicklyWithFewCalls measures, over many stacks of random
// length, how late their end is noticed, and how many calls are made, against
// the CDK CLI's fixed 5 s for the stack and 2 s for its events.
func TestTheEndIsNoticedQuicklyWithFewCalls(t *testing.T) {
	const theirsPerMinute, theirsOnce = 60/5 + 60/2, 8 // the latter for the change set and the looks before and after
	var lag, spent time.Duration
	calls, stacks := 0, 300
	for range stacks {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			takes := 20*time.Second + time.Duration(rand.Int64N(int64(3*time.Minute)))
			f.execute = func() { f.operation("CREATE", takes) }
			var executed time.Time
			result, err := cfn.Deploy(t.Context(), f, goal, cfn.Options{Notify: func(e cfn.Event) {
				if e.Phase == cfn.Executing {
					executed = time.Now()
				}
			}})
			require.NoError(t, err)
			lag += result.Ended.Sub(executed) - takes
			spent += result.Ended.Sub(result.Started)
			calls += result.Calls
		})
	}
	assert.LessOrEqual(t, lag/time.Duration(stacks), time.Second)
	assert.LessOrEqual(t, float64(calls), theirsPerMinute*spent.Minutes()+float64(theirsOnce*stacks))
	t.Logf("lag %s, %.1f calls a stack and minute", lag/time.Duration(stacks), float64(calls)/spent.Minutes())
}

func TestManyStacksShareOneBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget, start := cfn.NewBudget(), time.Now()
		var wait sync.WaitGroup
		var mu sync.Mutex
		calls := 0
		for range 50 {
			wait.Go(func() {
				f := newFake()
				f.execute = func() { f.operation("CREATE", 2*time.Minute) }
				result, err := cfn.Deploy(t.Context(), f, goal, cfn.Options{Budget: budget})
				mu.Lock()
				defer mu.Unlock()
				assert.NoError(t, err)
				calls += result.Calls
			})
		}
		wait.Wait()
		seconds := time.Since(start).Seconds()
		assert.Less(t, float64(calls)/seconds, 20.0, "at most 16 polls a second, and what each stack costs anyway")
		assert.Less(t, seconds, 180.0, "and all of them finish")
	})
}

func TestAStackThatVanishesIsAFailure(t *testing.T) {
	deploy(t, func() *fake {
		f := newFake().deployed("CREATE_COMPLETE", "{}")
		f.execute = func() { f.remove() }
		return f
	}, cfn.Options{}, goal, func(t *testing.T, _ *fake, _ cfn.Result, err error) {
		require.ErrorContains(t, err, "failed (DELETE_COMPLETE)")
	})
}

func TestErrorsOfCallsNameTheStack(t *testing.T) {
	for operation, says := range map[string]string{
		"DescribeStacks":   `describing stack "Shop"`,
		"CreateChangeSet":  `creating the change set of stack "Shop"`,
		"ExecuteChangeSet": `executing the change set of stack "Shop"`,
	} {
		deploy(t, func() *fake {
			f := newFake()
			f.fails[operation] = []error{errors.New("boom")}
			return f
		}, cfn.Options{}, goal, func(t *testing.T, _ *fake, _ cfn.Result, err error) { require.ErrorContains(t, err, says) })
	}
}
