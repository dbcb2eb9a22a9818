package cloudformation_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
)

// restart closes the engine, and continues with a new one from its snapshot.
func (c *cloud) restart(options cloudformation.Options) {
	c.t.Helper()
	c.engine.Close()
	snapshot, err := c.engine.Snapshot()
	require.NoError(c.t, err)
	c.start(options)
	require.NoError(c.t, c.engine.Restore(snapshot))
}

func slow() cloudformation.Options {
	return cloudformation.Options{ResourceTime: func(string, string) time.Duration { return 10 * time.Second }, Tick: 100 * time.Millisecond}
}

// An operation interrupted by restarts ends as if nothing
// had happened, and each resource is made once.
func TestOperationsContinueAfterARestart(t *testing.T) {
	begin := func(c *cloud) {
		_, err := c.cfn.UpdateStack(c.t.Context(), &cfn.UpdateStackInput{
			StackName: aws.String("app"), UsePreviousTemplate: aws.Bool(true), Parameters: parameters("V", "2"),
		})
		require.NoError(c.t, err)
	}
	// The host refuses one value of a property of the resource: a fault of
	// the engine would be forgotten at the first restart.
	refusing := func(logical, property, value string) func(*cloud) {
		return func(c *cloud) {
			c.host.refuse = func(r cloudformation.ResourceRequest) error {
				if r.LogicalID == logical && fmt.Sprint(r.Properties[property]) == value {
					return errors.New("no")
				}
				return nil
			}
			begin(c)
		}
	}
	for name, operation := range map[string]func(*cloud){
		"an update":        begin,
		"a rollback":       refusing("After", "V", "2"),
		"a nested failure": refusing("Extra", "KeySchema", "[2]"),
		"a deletion": func(c *cloud) {
			_, err := c.cfn.DeleteStack(c.t.Context(), &cfn.DeleteStackInput{StackName: aws.String("app")})
			require.NoError(c.t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			calm := runInterrupted(t, operation, 0)
			assert.NotEmpty(t, calm.status)
			for _, every := range []time.Duration{700 * time.Millisecond, 3 * time.Second, 7 * time.Second} {
				assert.Equal(t, calm, runInterrupted(t, operation, every), "restarted every %s", every)
			}
		})
	}
}

// ending is how things are in the end.
type ending struct {
	status types.StackStatus
	alive  int
	made   int // how often the host was asked to make something
	events []string
}

// runInterrupted does an operation and restarts the engine again and again.
func runInterrupted(t *testing.T, operation func(*cloud), every time.Duration) (result ending) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cloud{t: t, host: newHost()}
		c.host.templates["https://bucket/child"] = child
		for _, typ := range []string{"AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::DynamoDB::Table"} {
			c.host.handlers[typ] = true
		}
		c.start(slow())
		id := *c.create("app", parent).StackId
		operation(c)
		for every > 0 && strings.HasSuffix(string(c.describe(id).StackStatus), "_IN_PROGRESS") {
			time.Sleep(every)
			c.restart(slow())
		}
		defer func() { c.engine.Close() }()
		result.status = c.wait(id).StackStatus
		result.alive = len(c.host.alive)
		for _, line := range c.host.log {
			if strings.HasPrefix(line, "create ") {
				result.made++
			}
		}
		result.events = c.events(id)
		for i, line := range result.events {
			result.events[i], _, _ = strings.Cut(line, "arn:") // ids differ
		}
		slices.Sort(result.events)
	})
	return result
}

func TestARestoredEngineHasTheWholeState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		c.create("shop", shop)
		cs := c.review("shop", "next", strings.Replace(shop, "A small shop", "Another shop", 1)+"  More: {Value: x}\n", types.ChangeSetTypeUpdate)
		events := c.rawEvents("shop")
		c.restart(cloudformation.Options{})
		defer c.engine.Close()
		assert.Equal(t, events, c.rawEvents("shop"))
		s := c.execute(cs)
		assert.Equal(t, types.StackStatusUpdateComplete, s.StackStatus)
		assert.Equal(t, "x", outputs(s)["More"])
		ids := map[string]bool{}
		for _, ev := range c.rawEvents("shop") {
			assert.False(t, ids[*ev.EventId], "ids stay unique")
			ids[*ev.EventId] = true
		}
		assert.ErrorContains(t, c.engine.Restore([]byte("{}")), "has 1 already")
	})
}

func TestAPendingChangeSetIsFinishedAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, slow())
		_, err := c.cfn.CreateChangeSet(t.Context(), &cfn.CreateChangeSetInput{
			StackName: aws.String("shop"), ChangeSetName: aws.String("cs"), TemplateBody: aws.String(shop), ChangeSetType: types.ChangeSetTypeCreate,
		})
		require.NoError(t, err)
		c.restart(slow())
		defer c.engine.Close()
		time.Sleep(time.Minute)
		cs, err := c.cfn.DescribeChangeSet(t.Context(), &cfn.DescribeChangeSetInput{StackName: aws.String("shop"), ChangeSetName: aws.String("cs")})
		require.NoError(t, err)
		assert.Equal(t, types.ChangeSetStatusCreateComplete, cs.Status)
	})
}

func TestBrokenSnapshotsAreRefused(t *testing.T) {
	e := cloudformation.New(newHost(), cloudformation.Options{})
	defer e.Close()
	assert.ErrorContains(t, e.Restore([]byte("{")), "reading the state of the stacks")
}
