package deploy

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestAPlanDistinguishesWaitingAndBlockedStacks(t *testing.T) {
	lack := errs.Failedf("the change set could not be created: No export named X found.")
	nodes := []schedule.Node{{Name: "Web", After: []string{"Api"}}, {Name: "Api", After: []string{"Data", "Elsewhere"}}, {Name: "Data"}, {Name: "Alone"}, {Name: "Wrong", After: []string{"Data"}}}
	ordered := inOrder(nodes, map[string]plannedStack{
		"Web": {Stack: planned.Stack{Stack: "Web", Intent: planned.WillFail}, err: lack}, "Api": {Stack: planned.Stack{Stack: "Api", Intent: planned.WillUpdate}}, "Data": {Stack: planned.Stack{Stack: "Data", Intent: planned.WillKeep}},
		"Alone": {Stack: planned.Stack{Stack: "Alone", Intent: planned.WillFail}, err: lack}, "Wrong": {Stack: planned.Stack{Stack: "Wrong", Intent: planned.WillFail}, err: errors.New("no right")},
	})
	var names []string
	found := map[string]planned.Intent{}
	for _, s := range ordered {
		names = append(names, s.Stack.Stack)
		found[s.Stack.Stack] = s.Intent
	}
	assert.Equal(t, []string{"Data", "Api", "Web", "Alone", "Wrong"}, names)
	assert.Equal(t, map[string]planned.Intent{"Data": planned.WillKeep, "Api": planned.WillUpdate, "Web": planned.WillWait, "Alone": planned.WillFail, "Wrong": planned.WillFail}, found)
	assert.Equal(t, []string{"Data"}, ordered[1].After)
	assert.Len(t, blocked(ordered), 2)
}

func TestAPlanKnowsWhatAnEarlierStackMayCreate(t *testing.T) {
	noBucket := &assets.NoDestinationError{Kind: "bucket", Name: "own-assets"}
	lacks := map[string]error{
		"No export named X found":                                 errs.Failedf("the change set could not be created: No export named X found."),
		"there is no bucket own-assets":                           errs.Invalidf("publishing: %w: %w", noBucket, errors.New("NoSuchBucket")),
		"may not assume arn:aws:iam::111111111111:role/file-role": errs.Invalidf("publishing: %w: no such role", &awsauth.NotAssumedError{From: "x", Role: "arn:aws:iam::111111111111:role/file-role"}),
		"": errors.New("the template is wrong"),
	}
	for lack, err := range lacks {
		assert.Equal(t, lack, missingFor(err))
	}
	assert.Empty(t, missingFor(nil))
}

func TestAPlanIsExecutedAsFarAsItCouldBePrepared(t *testing.T) {
	targets := []target{
		{name: "Data", region: "r", stack: assembly.Stack{Name: "Data"}},
		{name: "Api", region: "r", stack: assembly.Stack{Name: "Api"}},
		{name: "Web", region: "r", stack: assembly.Stack{Name: "Web"}},
		{name: "New", region: "r", stack: assembly.Stack{Name: "New"}},
	}
	nodes := []schedule.Node{{Name: "Data"}, {Name: "Api", After: []string{"Data"}}, {Name: "Web", After: []string{"Api"}}, {Name: "New"}}
	plan := &planned.Plan{Stacks: []planned.Stack{
		{Stack: "Data", Name: "Data", Region: "r", Intent: planned.WillUpdate, Digest: "d", ChangeSet: "arn"},
		{Stack: "Api", Name: "Api", Region: "r", Intent: planned.WillWait},
		{Stack: "Web", Name: "Web", Region: "r", Intent: planned.WillCreate},
	}}
	kept, order, left, err := keep(plan, targets, nodes)
	require.NoError(t, err)
	assert.Equal(t, "Data", kept[0].name)
	assert.Len(t, kept, 1)
	assert.Len(t, order, 1)
	require.Len(t, left, 2, "what needs a stack that is left is left, and what was not planned is not touched")
	assert.Equal(t, "arn", prescribe(plan, "Data").ChangeSet)

	_, _, _, err = keep(plan, targets[1:], nodes[1:])
	require.ErrorContains(t, err, "the plan has a stack Data (Data in r), but this commit has no such stack")
	kept, _, left, err = keep(nil, targets, nodes)
	require.NoError(t, err)
	assert.Len(t, kept, 4)
	assert.Empty(t, left)
	assert.Nil(t, prescribe(nil, "Data"))
}
