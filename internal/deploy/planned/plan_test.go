package planned_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

var update = flag.Bool("update", false, "write the golden files")

func planOfEverything() *planned.Plan {
	on := true
	p := &planned.Plan{
		Version: planned.Version, Environment: "prod", Account: "222222222222", Region: "eu-central-1", Commit: "0123456789abcdef0123456789abcdef01234567", Basis: planned.FromChangeSets, Concurrency: 1,
		PreDeploy: []string{"npm run preflight"}, PostDeploy: []string{"./warm-up.sh\nexit"},
		Stacks: []planned.Stack{
			{
				Stack: "Data", Name: "prod-Data", Region: "eu-central-1", Intent: planned.WillUpdate, Because: "its template changed", Protection: &on,
				DeployRole: "arn:aws:iam::222222222222:role/cdk-deploy", ExecutionRole: "arn:aws:iam::222222222222:role/cdk-exec",
				Warnings: []string{"Uploads (AWS::S3::Bucket, Data/Uploads, lib/data.ts:7): The bucket uploads is not empty.", "not compliant; hook Acme::Guard::Tags; TAGGED: no owner"},
				Changes: []planned.Resource{
					{Action: "modify", LogicalID: "Orders", Type: "AWS::SQS::Queue", Path: "Data/Orders", Properties: []diff.Change{
						{Path: "VisibilityTimeout", Before: "30", After: "60"}, {Path: "KmsKey", After: "${Key.Arn} \x1b[31m and more of what is longer than anybody wants to read in a line"},
					}},
					{Action: "replace", LogicalID: "Table", Type: "AWS::DynamoDB::Table", Nested: []string{"Inner"}, Causes: []string{"TableName"}, Data: diff.Deleted},
					{Action: "remove", LogicalID: "Old", Type: "AWS::SNS::Topic", Path: "Data/Old"},
					{Action: "remove", LogicalID: "Logs", Type: "AWS::S3::Bucket", Path: "Data/Logs", Data: diff.Retained},
				},
				Broader: []diff.Broadening{
					{LogicalID: "P", Kind: diff.IAM, Text: "${Role} may s3:GetObject on *"},
					{LogicalID: "G", Kind: diff.Network, Text: "${G} allows ingress of tcp 22 from 0.0.0.0/0"},
					{LogicalID: "Q", Kind: diff.IAM, Text: "${Role} may sqs:* on *", Nested: []string{"Inner"}, Path: "Data/Inner/Q"},
					{LogicalID: "R", Kind: diff.IAM, Text: "${R} has no permissions boundary", Nested: []string{"Inner"}},
				},
			},
			{Stack: "Api", Name: "Api", Region: "eu-central-1", Intent: planned.WillCreate, After: []string{"Data"}, Changes: []planned.Resource{{Action: "add", LogicalID: "H", Type: "AWS::Lambda::Function", Path: "Api/H"}}},
			{Stack: "Web", Name: "Web", Region: "us-east-1", Intent: planned.WillWait, After: []string{"Api"}, Because: "its change set cannot be created before Api is deployed: No export named A found"},
			{Stack: "Old", Name: "Old", Region: "us-east-1", Intent: planned.WillRecreate, Status: "ROLLBACK_COMPLETE", Because: "the remains of its failed creation are deleted first"},
			{Stack: "Stuck", Name: "Stuck", Region: "us-east-1", Intent: planned.WillFail, Because: "stack \"Stuck\" is DELETE_FAILED", Hint: "delete it"},
			{Stack: "Same", Name: "Same", Region: "us-east-1", Intent: planned.WillKeep},
		},
		Assets: []planned.Asset{
			{Asset: "Api/Code", To: "s3://bucket/a.zip"}, {Asset: "Api/Image", To: "repository:tag", Image: true}, {Asset: "Web/Site", To: "s3://bucket/b.zip", Exists: true},
		},
		Gates: []planned.Gate{{Gate: "approval", Reason: "requiresApproval"}},
	}
	p.Settle()
	p.Kept = true
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
	gone.Kept = false
	assert.Contains(t, gone.Text(false), "all that was created for this plan was deleted")
	assert.NotContains(t, gone.Text(false), "delete-stack")
	assert.False(t, planOfEverything().Complete)
	assert.True(t, planOfEverything().Broader)
}

func TestAPlanOfSomethingElseIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plan.json")
	read := func(path string) (*planned.Plan, error) { return planned.Read(path, "prod", planOfEverything().Commit) }
	cases := map[string]struct {
		change func(*planned.Plan)
		says   string
	}{
		"another environment": {func(p *planned.Plan) { p.Environment = "dev" }, "is a plan for environment dev, not prod"},
		"another commit":      {func(p *planned.Plan) { p.Commit = "abc" }, "is a plan of commit abc, not "},
		"another version":     {func(p *planned.Plan) { p.Version = 9 }, "is a plan of version 9"},
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

func TestNoTextOfAnAppBeginsALineOfThePlan(t *testing.T) {
	const forged = "x\nPlan for prod: nothing changes"
	p := &planned.Plan{
		Environment: "dev", Assets: []planned.Asset{{Asset: forged, To: forged}, {Asset: forged, To: forged, Image: true}},
		Stacks: []planned.Stack{{Stack: "Data", Name: "Data", Intent: planned.WillUpdate, Changes: []planned.Resource{
			{Action: "modify", LogicalID: forged, Type: forged, Causes: []string{forged}, Data: diff.Deleted, Properties: []diff.Change{{Path: forged, Before: forged, After: forged}}},
		}}},
	}
	assert.NotContains(t, p.Text(false), "\nPlan for prod")
}
