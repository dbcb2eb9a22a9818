package deploy

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

var update = flag.Bool("update", false, "write the golden files")

func planOfEverything() *Plan {
	on := true
	p := &Plan{
		Version: PlanVersion, Environment: "prod", Account: "222222222222", Region: "eu-central-1", Commit: "0123456789abcdef0123456789abcdef01234567", Concurrency: 1,
		PreDeploy: []string{"npm run preflight"}, PostDeploy: []string{"./warm-up.sh\nexit"},
		Stacks: []PlannedStack{
			{
				Stack: "Data", Name: "prod-Data", Region: "eu-central-1", Intent: WillUpdate, Because: "its template changed", Protection: &on,
				DeployRole: "arn:aws:iam::222222222222:role/cdk-deploy", ExecutionRole: "arn:aws:iam::222222222222:role/cdk-exec",
				Changes: []PlannedChange{
					{Action: "modify", LogicalID: "Orders", Type: "AWS::SQS::Queue", Path: "Data/Orders", Properties: []diff.Change{
						{Path: "VisibilityTimeout", Before: "30", After: "60"}, {Path: "KmsKey", After: "${Key.Arn} \x1b[31m and more of what is longer than anybody wants to read in a line"},
					}},
					{Action: "replace", LogicalID: "Table", Type: "AWS::DynamoDB::Table", Nested: []string{"Inner"}},
					{Action: "remove", LogicalID: "Old", Type: "AWS::SNS::Topic", Path: "Data/Old"},
				},
				Broader: []diff.Broadening{
					{LogicalID: "P", Kind: diff.IAM, Text: "${Role} may s3:GetObject on *"},
					{LogicalID: "G", Kind: diff.Network, Text: "${G} allows ingress of tcp 22 from 0.0.0.0/0"},
					{LogicalID: "Q", Kind: diff.IAM, Text: "${Role} may sqs:* on *", Nested: []string{"Inner"}, Path: "Data/Inner/Q"},
					{LogicalID: "R", Kind: diff.IAM, Text: "${R} has no permissions boundary", Nested: []string{"Inner"}},
				},
			},
			{Stack: "Api", Name: "Api", Region: "eu-central-1", Intent: WillCreate, After: []string{"Data"}, Changes: []PlannedChange{{Action: "add", LogicalID: "H", Type: "AWS::Lambda::Function", Path: "Api/H"}}},
			{Stack: "Web", Name: "Web", Region: "us-east-1", Intent: WillWait, After: []string{"Api"}, Because: "its change set cannot be created before Api is deployed: No export named A found"},
			{Stack: "Old", Name: "Old", Region: "us-east-1", Intent: WillRecreate, Status: "ROLLBACK_COMPLETE", Because: "the remains of its failed creation are deleted first"},
			{Stack: "Stuck", Name: "Stuck", Region: "us-east-1", Intent: WillFail, Because: "stack \"Stuck\" is DELETE_FAILED", Hint: "delete it"},
			{Stack: "Same", Name: "Same", Region: "us-east-1", Intent: WillKeep},
		},
		Assets: []PlannedAsset{
			{Asset: "Api/Code", To: "s3://bucket/a.zip"}, {Asset: "Api/Image", To: "repository:tag", Image: true}, {Asset: "Web/Site", To: "s3://bucket/b.zip", Exists: true},
		},
	}
	p.settle()
	p.kept = true
	return p
}

func TestAPlanReadsLikeThis(t *testing.T) {
	for name, color := range map[string]bool{"plan.txt": false, "plan-in-colours.txt": true} {
		text, golden := planOfEverything().Text(color), filepath.Join("testdata", name)
		if *update {
			require.NoError(t, os.WriteFile(golden, []byte(text), 0o644))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		assert.Equal(t, string(want), text)
	}
	gone := planOfEverything()
	gone.kept = false
	assert.Contains(t, gone.Text(false), "all that was created for this plan was deleted")
	assert.NotContains(t, gone.Text(false), "delete-stack")
	assert.False(t, planOfEverything().Complete)
	assert.True(t, planOfEverything().Broader)
}

func TestAPlanDistinguishesWaitingAndBlockedStacks(t *testing.T) {
	lack := errs.Failedf("the change set could not be created: No export named X found.")
	nodes := []schedule.Node{{Name: "Web", After: []string{"Api"}}, {Name: "Api", After: []string{"Data", "Elsewhere"}}, {Name: "Data"}, {Name: "Alone"}, {Name: "Wrong", After: []string{"Data"}}}
	ordered := inOrder(nodes, map[string]PlannedStack{
		"Web": {Stack: "Web", Intent: WillFail, err: lack}, "Api": {Stack: "Api", Intent: WillUpdate}, "Data": {Stack: "Data", Intent: WillKeep},
		"Alone": {Stack: "Alone", Intent: WillFail, err: lack}, "Wrong": {Stack: "Wrong", Intent: WillFail, err: errors.New("no right")},
	})
	var names []string
	found := map[string]Intent{}
	for _, s := range ordered {
		names = append(names, s.Stack)
		found[s.Stack] = s.Intent
	}
	assert.Equal(t, []string{"Data", "Api", "Web", "Alone", "Wrong"}, names)
	assert.Equal(t, map[string]Intent{"Data": WillKeep, "Api": WillUpdate, "Web": WillWait, "Alone": WillFail, "Wrong": WillFail}, found)
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
	plan := &Plan{Stacks: []PlannedStack{
		{Stack: "Data", Name: "Data", Region: "r", Intent: WillUpdate, Digest: "d", ChangeSet: "arn"},
		{Stack: "Api", Name: "Api", Region: "r", Intent: WillWait},
		{Stack: "Web", Name: "Web", Region: "r", Intent: WillCreate},
	}}
	kept, order, left, err := plan.keep(targets, nodes)
	require.NoError(t, err)
	assert.Equal(t, "Data", kept[0].name)
	assert.Len(t, kept, 1)
	assert.Len(t, order, 1)
	require.Len(t, left, 2, "what needs a stack that is left is left, and what was not planned is not touched")
	assert.Equal(t, "arn", plan.prescribe("Data").ChangeSet)

	_, _, _, err = plan.keep(targets[1:], nodes[1:])
	require.ErrorContains(t, err, "the plan has a stack Data (Data in r), but this commit has no such stack")
	kept, _, left, err = (*Plan)(nil).keep(targets, nodes)
	require.NoError(t, err)
	assert.Len(t, kept, 4)
	assert.Empty(t, left)
	assert.Nil(t, (*Plan)(nil).prescribe("Data"))
}

func TestAPlanOfSomethingElseIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plan.json")
	read := func(path string) (*Plan, error) { return ReadPlan(path, "prod", planOfEverything().Commit) }
	cases := map[string]struct {
		change func(*Plan)
		says   string
	}{
		"another environment": {func(p *Plan) { p.Environment = "dev" }, "is a plan for environment dev, not prod"},
		"another commit":      {func(p *Plan) { p.Commit = "abc" }, "is a plan of commit abc, not "},
		"another version":     {func(p *Plan) { p.Version = 9 }, "is a plan of version 9"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			plan := planOfEverything()
			c.change(plan)
			require.NoError(t, plan.Write(file))
			_, err := read(file)
			require.ErrorContains(t, err, c.says)
			assert.Equal(t, errs.Invalid, errs.KindOf(err))
		})
	}
	require.NoError(t, planOfEverything().Write(file))
	plan, err := read(file)
	require.NoError(t, err)
	assert.Equal(t, planOfEverything().Stacks[0].Broader, plan.Stacks[0].Broader)
	require.NoError(t, os.WriteFile(file, []byte("{"), 0o644))
	_, err = read(file)
	require.ErrorContains(t, err, "is not a plan")
	_, err = read(file + "x")
	assert.Error(t, err)
}
