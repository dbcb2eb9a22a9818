package cfn_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

var goal = cfn.Goal{Name: "Shop", Template: []byte(`{"Resources":{"Orders":{"Type":"AWS::SQS::Queue"}}}`)}

// deploy deploys goal to the fake in virtual time, with the test inside of the bubble.
func deploy(t *testing.T, setUp func() *fake, o cfn.Options, g cfn.Goal, check func(t *testing.T, f *fake, result cfn.Result, err error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := setUp()
		time.Sleep(time.Hour) // what was before is long ago
		result, err := cfn.Deploy(t.Context(), f, g, o)
		check(t, f, result, err)
	})
}

func TestATemplateThatIsNotTheAppsIsNotExecuted(t *testing.T) {
	for name, c := range map[string]struct {
		wanted, object string
		refused        bool
	}{
		"another object under its key": {string(goal.Template), `{"Resources":{"Evil":{"Type":"AWS::SNS::Topic"}}}`, true},
		"a value that differs":         {`{"Description":"a","Resources":{"Orders":{"Type":"AWS::SQS::Queue"}}}`, `{"Description":"b","Resources":{"Orders":{"Type":"AWS::SQS::Queue"}}}`, true},
		"no template":                  {string(goal.Template), "", true},
		"other white space":            {`{"Resources":{"Orders":{"Type":"AWS::SQS::Queue"}}}`, "{\n \"Resources\": {\"Orders\": {\"Type\": \"AWS::SQS::Queue\"}}}\n", false},
		"characters that GetTemplate returns as question marks": {`{"Description":"für 東京","Resources":{"Orders":{"Type":"AWS::SQS::Queue"}}}`, `{"Description":"f?r ??","Resources":{"Orders":{"Type":"AWS::SQS::Queue"}}}`, false},
	} {
		g := goal
		g.Template, g.TemplateURL = []byte(c.wanted), "https://s3/t.json"
		found := func() *fake {
			f := newFake()
			f.object = c.object
			return f
		}
		deploy(t, found, cfn.Options{}, g, func(t *testing.T, f *fake, _ cfn.Result, err error) {
			if !c.refused {
				require.NoError(t, err, name)
				return
			}
			require.ErrorContains(t, err, `CloudFormation read another template for stack "Shop" than the app's: https://s3/t.json has other content`, name)
			assert.Equal(t, errs.Failed, errs.KindOf(err))
			assert.Contains(t, errs.HintOf(err), "delete it")
			assert.Empty(t, f.executed, name)
			assert.Empty(t, f.sets, name)
		})
	}
}

// TestNoAppChangesTheStackOfAPipeline is about an app for the account of a pipeline: the name
// of a stack is the app's choice, and the stack of the pipeline has its roles.
func TestNoAppChangesTheStackOfAPipeline(t *testing.T) {
	tagged := func(status string) *fake {
		f := newFake().deployed(status, `{"Resources":{"Roles":{"Type":"AWS::IAM::Role"}}}`)
		f.stack.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}, {Key: aws.String("aphex.dev/pipeline"), Value: aws.String("shop-1a2b")}}
		return f
	}
	for _, status := range []string{"CREATE_COMPLETE", "UPDATE_ROLLBACK_FAILED", "ROLLBACK_COMPLETE", "UPDATE_FAILED"} {
		o := cfn.Options{Reserved: "aphex.dev/pipeline", MayRollBack: true}
		deploy(t, func() *fake { return tagged(status) }, o, goal, func(t *testing.T, f *fake, _ cfn.Result, err error) {
			require.ErrorContains(t, err, `stack "Shop" belongs to pipeline shop-1a2b, and no app may change it`, status)
			assert.Equal(t, errs.Invalid, errs.KindOf(err))
			_, err = cfn.RollBackStack(t.Context(), f, goal, cfn.Orphans{}, o)
			require.ErrorContains(t, err, "no app may change it", status)
			_, err = cfn.Prepare(t.Context(), f, goal, o)
			require.ErrorContains(t, err, "no app may change it", status)
			for _, call := range f.calls {
				assert.Equal(t, "DescribeStacks", call, status)
			}
		})
	}
	deploy(t, func() *fake { return tagged("CREATE_COMPLETE") }, cfn.Options{}, goal, func(t *testing.T, f *fake, _ cfn.Result, err error) {
		require.NoError(t, err, "the pipeline changes its own")
		assert.Len(t, f.executed, 1)
	})
}

func TestANewStackIsCreatedThroughAChangeSet(t *testing.T) {
	g := goal
	g.TemplateURL, g.ExecutionRole, g.TerminationProtection = "https://s3/t.json", "arn:role", true
	g.Tags, g.NotificationARNs = map[string]string{"b": "2", "a": "1"}, []string{"arn:topic"}
	var events []cfn.Event
	o := cfn.Options{Workflow: "run-7", Notify: func(e cfn.Event) { events = append(events, e) }}
	deploy(t, newFake, o, g, func(t *testing.T, f *fake, result cfn.Result, err error) {
		require.NoError(t, err)
		assert.Equal(t, cfn.Created, result.Action)
		assert.Equal(t, "CREATE_COMPLETE", result.Status)
		assert.Equal(t, []cfn.Output{{Key: "Url", Value: "https://shop"}}, result.Outputs)
		assert.Equal(t, "CreateChangeSet UpdateTerminationProtection ExecuteChangeSet", f.mutations())
		assert.Equal(t, len(f.calls), result.Calls)
		assert.LessOrEqual(t, result.Calls, 15)

		made := f.created[0]
		assert.Equal(t, types.ChangeSetTypeCreate, made.ChangeSetType)
		assert.True(t, *made.IncludeNestedStacks)
		assert.Len(t, made.Capabilities, 3)
		assert.Equal(t, "https://s3/t.json", *made.TemplateURL)
		assert.Nil(t, made.TemplateBody)
		assert.Equal(t, "arn:role", *made.RoleARN)
		assert.Equal(t, []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}, made.Tags)
		assert.Equal(t, []string{"arn:topic"}, made.NotificationARNs)
		assert.Regexp(t, `^aphex-[0-9a-f]{40}$`, *made.ClientToken)
		assert.Equal(t, arn, *f.executed[0].StackName, "from the change set on, everything goes by ARN")
		assert.Contains(t, *f.executed[0].ChangeSetName, "arn:")

		var printed []string
		for _, e := range events {
			line := string(e.Phase)
			if e.Resource != nil {
				line += " " + e.Resource.LogicalID + " " + e.Resource.Status
			}
			printed = append(printed, line)
		}
		assert.Equal(t, []string{
			"comparing", "preparing", "executing", "resource Shop REVIEW_IN_PROGRESS", "resource Shop CREATE_IN_PROGRESS", "resource Orders CREATE_IN_PROGRESS",
			"resource Orders CREATE_COMPLETE", "resource Shop CREATE_COMPLETE", "finished",
		}, printed)
	})
}

func TestAnUnchangedStackCostsTwoCalls(t *testing.T) {
	reordered := `{ "Resources": {"Orders": {"Type": "AWS::SQS::Queue"}} }`
	deploy(t, func() *fake { return newFake().deployed("UPDATE_COMPLETE", reordered) }, cfn.Options{}, goal, func(t *testing.T, f *fake, result cfn.Result, err error) {
		require.NoError(t, err)
		assert.Equal(t, cfn.Unchanged, result.Action)
		assert.Equal(t, []string{"DescribeStacks", "GetTemplate"}, f.calls)
	})
}

func TestAChangedStackTellsItsTemplateBeforeAndItsEvents(t *testing.T) {
	before := `{"Resources":{}}`
	g := goal
	g.Tags = map[string]string{"team": "shop"} // known to change before the templates are compared
	for name, one := range map[string]cfn.Goal{"another template": goal, "other tags": g} {
		deploy(t, func() *fake { return newFake().deployed("UPDATE_COMPLETE", before) }, cfn.Options{}, one, func(t *testing.T, _ *fake, result cfn.Result, err error) {
			require.NoError(t, err, name)
			assert.Equal(t, before, string(result.Before), name)
			assert.NotEmpty(t, result.Events, name)
		})
	}
	deploy(t, newFake, cfn.Options{}, goal, func(t *testing.T, _ *fake, result cfn.Result, err error) {
		require.NoError(t, err)
		assert.NotNil(t, result.Before, "a new stack had none")
		assert.Empty(t, result.Before)
	})
	deploy(t, func() *fake {
		f := newFake().deployed("UPDATE_COMPLETE", before)
		f.fails["GetTemplate"] = []error{apiError("AccessDenied", "no")}
		return f
	}, cfn.Options{}, g, func(t *testing.T, _ *fake, result cfn.Result, err error) {
		require.NoError(t, err, "it is only for the record")
		assert.Nil(t, result.Before)
	})
}

func TestAForcedDeploymentCreatesAChangeSetAndTreatsAnEmptyOneAsNoChange(t *testing.T) {
	for _, reason := range []string{"The submitted information didn't contain changes. Submit different information to create a change set.", "No updates are to be performed."} {
		g := goal
		g.TerminationProtection = true
		deploy(t, func() *fake {
			f := newFake().deployed("CREATE_COMPLETE", string(goal.Template))
			f.prepare = func(set *cloudformation.DescribeChangeSetOutput) {
				set.Status, set.StatusReason = types.ChangeSetStatusFailed, &reason
			}
			return f
		}, cfn.Options{Force: true}, g, func(t *testing.T, f *fake, result cfn.Result, err error) {
			require.NoError(t, err)
			assert.Equal(t, cfn.Updated, result.Action, "its protection changed")
			assert.Equal(t, "termination protection turned on", result.Touched())
			assert.Equal(t, "CreateChangeSet DeleteChangeSet UpdateTerminationProtection", f.mutations())
			assert.Equal(t, types.ChangeSetTypeUpdate, f.created[0].ChangeSetType)
		})
	}
}

func TestAFailedChangeSetReportsTheDeepestReason(t *testing.T) {
	nested := "arn:aws:cloudformation:eu-west-1:111111111111:changeSet/nested/9"
	deploy(t, func() *fake {
		f := newFake().deployed("CREATE_COMPLETE", "{}")
		f.sets["nested"] = &cloudformation.DescribeChangeSetOutput{ChangeSetName: aws.String("nested"), ChangeSetId: &nested, StatusReason: aws.String("No export named Table found.")}
		f.prepare = func(set *cloudformation.DescribeChangeSetOutput) {
			set.Status, set.StatusReason = types.ChangeSetStatusFailed, aws.String("Nested change set "+nested+" was not successfully created: Currently in FAILED.")
		}
		return f
	}, cfn.Options{}, goal, func(t *testing.T, f *fake, _ cfn.Result, err error) {
		require.EqualError(t, err, `the change set of stack "Shop" could not be created: No export named Table found.`)
		assert.Equal(t, errs.Failed, errs.KindOf(err))
		assert.Contains(t, errs.HintOf(err), "must be deployed first")
		assert.Equal(t, "CreateChangeSet DeleteChangeSet", f.mutations())
	})
}

func TestAPlanExecutesNothing(t *testing.T) {
	deploy(t, newFake, cfn.Options{PlanOnly: true}, goal, func(t *testing.T, f *fake, result cfn.Result, err error) {
		require.NoError(t, err)
		assert.Equal(t, cfn.Planned, result.Action)
		assert.Contains(t, result.ChangeSet, "changeSet/aphex-deploy/1")
		assert.Equal(t, []cfn.Change{{Action: "Add", LogicalID: "Orders", Type: "AWS::SQS::Queue"}}, result.Changes)
		assert.Equal(t, "CreateChangeSet", f.mutations())
	})
	deploy(t, func() *fake { return newFake().deployed("ROLLBACK_COMPLETE", "{}") }, cfn.Options{PlanOnly: true}, goal, func(t *testing.T, f *fake, _ cfn.Result, err error) {
		require.ErrorContains(t, err, "no change set can be created in this state")
		assert.Empty(t, f.mutations())
	})
}

func TestNoChangeSetIsCreatedBeforeTheAssetsArePublished(t *testing.T) {
	o := cfn.Options{Ready: func(context.Context) error { return errors.New("no bucket") }}
	deploy(t, newFake, o, goal, func(t *testing.T, f *fake, _ cfn.Result, err error) {
		require.EqualError(t, err, "no bucket")
		assert.Empty(t, f.mutations())
	})
	deploy(t, func() *fake { return newFake().deployed("CREATE_COMPLETE", string(goal.Template)) }, o, goal, func(t *testing.T, _ *fake, _ cfn.Result, err error) {
		require.NoError(t, err, "an unchanged stack does not wait for them")
	})
}

func TestALargeTemplateIsUploaded(t *testing.T) {
	g := goal
	g.Template = []byte(`{"Description":"` + strings.Repeat("x", 60000) + `","Resources":{"Orders":{}}}`)
	deploy(t, newFake, cfn.Options{}, g, func(t *testing.T, _ *fake, _ cfn.Result, err error) {
		require.ErrorContains(t, err, "is 58 KiB; a template of more than 50 KiB must be published first")
	})
	o := cfn.Options{Upload: func(_ context.Context, template []byte) (string, error) { return "https://uploaded", nil }}
	uploaded := func() *fake {
		f := newFake()
		f.object = string(g.Template)
		return f
	}
	deploy(t, uploaded, o, g, func(t *testing.T, f *fake, _ cfn.Result, err error) {
		require.NoError(t, err)
		assert.Equal(t, "https://uploaded", *f.created[0].TemplateURL)
	})
	deploy(t, newFake, o, g, func(t *testing.T, f *fake, _ cfn.Result, err error) {
		require.ErrorContains(t, err, "https://uploaded has other content", "somebody replaced it")
		assert.Empty(t, f.executed)
	})
}

func TestAStackWithoutResourcesIsPassedOverAndNeverDeleted(t *testing.T) {
	g := goal
	g.Template = []byte(`{"Outputs": {}}`)
	deploy(t, newFake, cfn.Options{}, g, func(t *testing.T, f *fake, result cfn.Result, err error) {
		require.NoError(t, err)
		assert.Equal(t, cfn.Unchanged, result.Action)
		assert.Empty(t, f.mutations())
	})
	deployed := func() *fake { return newFake().deployed("CREATE_COMPLETE", "{}") }
	deploy(t, deployed, cfn.Options{}, g, func(t *testing.T, f *fake, _ cfn.Result, err error) {
		require.EqualError(t, err, `stack "Shop" is deployed, but has no resources in the app any more`)
		assert.Contains(t, errs.HintOf(err), "cdk destroy")
		assert.Empty(t, f.mutations())
	})
}

func TestMissingParametersAreAllNamed(t *testing.T) {
	g := goal
	g.Template = []byte(`{"Parameters":{"Size":{"Type":"Number"},"Color":{"Type":"String"},"Shape":{"Type":"String","Default":"round"}},"Resources":{"Orders":{}}}`)
	deploy(t, newFake, cfn.Options{}, g, func(t *testing.T, f *fake, _ cfn.Result, err error) {
		require.EqualError(t, err, `stack "Shop": no value for the parameters of the template: Color, Size`)
		assert.Equal(t, errs.Invalid, errs.KindOf(err))
		assert.Empty(t, f.mutations())
	})
}

func TestACancelledDeploymentDoesNotStopTheOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := cfn.Deploy(ctx, f, goal, cfn.Options{})
		require.ErrorContains(t, err, `watching stack "Shop", whose operation still runs`)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, "CreateChangeSet ExecuteChangeSet", f.mutations(), "nothing is undone")
	})
}
