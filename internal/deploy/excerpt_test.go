package deploy

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/synth"
)

func TestTheEventsAroundACauseAreListedBelowIt(t *testing.T) {
	at := time.Date(2026, 1, 2, 9, 30, 0, 0, time.Local)
	broken := cfn.ResourceEvent{ID: "2", LogicalID: "Topic", Type: "AWS::SNS::Topic", Status: "CREATE_FAILED", Reason: "Topic\n limit exceeded", Time: at.Add(time.Second)}
	err := error(&cfn.Failure{Cause: &broken, Around: []cfn.ResourceEvent{
		{ID: "1", LogicalID: "Topic", Type: "AWS::SNS::Topic", Status: "CREATE_IN_PROGRESS", Time: at},
		broken,
		{ID: "3", Nested: []string{"Jobs"}, LogicalID: "Queue", Type: "AWS::SQS::Queue", Status: "CREATE_FAILED", Reason: strings.Repeat("long ", 100), Time: at.Add(2 * time.Second)},
	}})
	lines := excerpt(target{name: "Api"}, err)
	assert.Equal(t, []string{
		"events of Api around the cause:",
		"  09:30:00  CREATE_IN_PROGRESS         Topic (AWS::SNS::Topic)",
		"→ 09:30:01  CREATE_FAILED              Topic (AWS::SNS::Topic)  Topic limit exceeded",
		"  09:30:02  CREATE_FAILED              Jobs/Queue (AWS::SQS::Queue)  " + strings.Repeat("long ", 40) + "…",
	}, lines)
	assert.Empty(t, excerpt(target{}, errors.New("no stack failed")))
	err = combine([]error{errors.New("Api broke")}, []string{"Web"}, lines[:2]...)
	assert.EqualError(t, err, "Api broke\n  not deployed because of this: Web\n  events of Api around the cause:\n    09:30:00  CREATE_IN_PROGRESS         Topic (AWS::SNS::Topic)")
}

func TestTagsOfCdkJsonReplaceThoseOfTheStacks(t *testing.T) {
	stack := assembly.Stack{Tags: map[string]string{"of": "the stack"}}
	assert.Equal(t, stack.Tags, target{stack: stack}.tags())
	given := map[string]string{"of": "the CLI"}
	assert.Equal(t, given, target{stack: stack, settings: synth.Settings{Tags: given}}.tags())
}

func TestALargeTemplateIsPublishedByTheRoleOfItsOwnAsset(t *testing.T) {
	other := assembly.FileAsset{Path: "/a/code", Destinations: []assembly.FileDestination{{Role: assembly.Role{ARN: "other"}}}}
	own := assembly.FileAsset{Path: "/a/T.json", Destinations: []assembly.FileDestination{{Role: assembly.Role{ARN: "own"}}}}
	stack := assembly.Stack{Template: "/a/T.json", Assets: []*assembly.AssetManifest{{Files: []assembly.FileAsset{other}}}}
	assert.Empty(t, roleForTemplate(stack), "the CLI then uses the current credentials")
	stack.Assets[0].Files = append(stack.Assets[0].Files, own)
	assert.Equal(t, "own", roleForTemplate(stack).ARN)
}
