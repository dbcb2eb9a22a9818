package deploy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	static "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/stages/deploy"
)

// The assembly of dev is edited as delivered code may do it. Each edit works where
// the configuration allows it, and is refused before any stack is touched where not.
func TestAnAssemblyThatNamesAnotherBootstrapIsRefusedUnlessTheConfigurationNamesItToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.MakeBootstrap(dev, "eu-west-1", "prod", dev))
	require.NoError(t, w.MakeBootstrap(dev, "eu-central-1", "hnb659fds", dev))
	out := filepath.Join(t.TempDir(), "cdk.out")
	w.synthesizeInto(out)
	attack := func(old, new, keys string) (map[string]string, error) {
		edited := filepath.Join(t.TempDir(), "cdk.out")
		require.NoError(t, os.CopyFS(edited, os.DirFS(out)))
		names, err := filepath.Glob(filepath.Join(edited, "*.json"))
		require.NoError(t, err)
		for _, name := range names {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(name, []byte(strings.ReplaceAll(string(text), old, new)), 0o644))
		}
		w.configure(` [{name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Data}]` + keys + `}]` + "\n")
		w.ForgetCalls()
		result, err := w.run("dev", func(in *deploy.Input) { in.Assembly = edited })
		return actions(result), err
	}
	const role = "iam::%:role/cdk-hnb659fds-deploy-role-%-"
	for _, c := range []struct{ old, new, allow, says string }{
		{"hnb659fds", "prod", ", bootstrapQualifiers: [hnb659fds, prod]", "is of the bootstrap prod"},
		{"eu-west-1", "eu-central-1", ", regions: [eu-central-1]", "it is for region eu-central-1"},
		{strings.ReplaceAll(role, "%", dev), strings.ReplaceAll(role, "%", prod), "", "is of account 222222222222"},
	} {
		_, err := attack(c.old, c.new, "")
		require.ErrorContains(t, err, c.says)
		assert.Equal(t, errs.Invalid, errs.KindOf(err))
		for _, call := range w.History() {
			if call.Operation == "AssumeRole" { // for the commands, by the configuration and not by the assembly
				assert.Equal(t, "arn:aws:iam::111111111111:role/cdk-hnb659fds-lookup-role-111111111111-eu-west-1", call.Target)
			}
			assert.NotEqual(t, "cloudformation", call.Service, call.Operation)
		}
		if c.allow != "" {
			done, err := attack(c.old, c.new, c.allow)
			require.NoError(t, err)
			assert.Contains(t, []string{"created", "unchanged"}, done["Data"])
		}
	}
	base, err := w.base(t.Context())
	require.NoError(t, err)
	_, err = sts.NewFromConfig(base).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::222222222222:role/cdk-hnb659fds-deploy-role-222222222222-eu-central-1"), RoleSessionName: aws.String("attack"),
	})
	assert.NoError(t, err, "who believes the assembly enters prod, whose bootstrap trusts the account of dev")
}

// A bootstrap was deleted, and its bucket created again by somebody who lets
// everybody write to it: whoever names no owner gives the assets away.
func TestAssetsAreNotPublishedToABucketThatAnotherAccountCreatedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name := "cdk-hnb659fds-assets-" + dev + "-eu-west-1"
	in := func(account string) *s3.Client {
		key, url := w.AddAccount(account), w.URL()
		return s3.NewFromConfig(aws.Config{
			Region: "eu-west-1", BaseEndpoint: &url, Credentials: static.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
		}, func(o *s3.Options) { o.UsePathStyle = true })
	}
	_, err := in(dev).DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &name})
	require.NoError(t, err)
	_, err = in(prod).CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: &name, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	})
	require.NoError(t, err)
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::%[1]s","arn:aws:s3:::%[1]s/*"]}]}`, name)
	_, err = in(prod).PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &name, Policy: &policy})
	require.NoError(t, err)
	_, err = in(dev).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: aws.String("given-away"), Body: strings.NewReader("x")})
	require.NoError(t, err, "without an expected owner the attack succeeds")

	_, err = w.run("dev")
	require.ErrorContains(t, err, "no access to bucket "+name)
	assert.Contains(t, errs.HintOf(err), "check that it belongs to account "+dev)
	there, err := in(prod).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &name})
	require.NoError(t, err)
	require.Len(t, there.Contents, 1)
	assert.Equal(t, "given-away", *there.Contents[0].Key)
}

// A build gave dev the account of prod.
func TestAConfigurationThatIsNotTheFileOfTheCommitDeploysNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	committed, err := config.DigestOf(w.source, config.File)
	require.NoError(t, err)
	w.configure(` [{name: dev, account: "222222222222", region: eu-central-1, stacks: [{name: Data}]}]` + "\n")
	w.ForgetCalls()
	_, err = w.run("dev", func(in *deploy.Input) { in.ConfigDigest = committed })
	require.ErrorContains(t, err, "is not the file of the commit")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Empty(t, w.Calls())

	out, err := w.run("dev")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"Data": "created"}, actions(out), "without the digest of the commit's file, dev is deployed to prod's account")
}

func TestARunKeepsTheCommitThatItBeginsToDeployAlsoIfItFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := "metadata/deployed/dev.json"
	_, err := w.byHand("dev")
	require.NoError(t, err)
	assert.Empty(t, w.stored.Document(key), "a person's deployment keeps nothing")
	w.shape("error")
	_, err = w.run("dev")
	require.Error(t, err)
	assert.JSONEq(t, `{"commit":"`+commit+`","run":"run-1","account":"111111111111","region":"eu-west-1"}`, w.stored.Document(key))
}

// A person retries the failed step of an old run: the step that compared the commits
// does not run again.
func TestARunThatAnotherOneOvertookDeploysToNoEnvironment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := func(run, environment string) error {
		w.workflow = run
		_, err := w.run(environment)
		return err
	}
	w.shape("error") // each fails early
	for _, c := range []struct {
		run, environment string
		overtaken        bool
	}{
		{"old", "dev", false},
		{"old", "dev", false}, // a retry
		{"new", "dev", false},
		{"old", "dev", true},
		{"old", "prod", false}, // the new one has not begun there
		{"new", "prod", false},
		{"old", "prod", true},
		{"new", "dev", false},
		{"newest", "prod", false},
		{"new", "prod", true},
		{"newest", "dev", false},
		{"old", "dev", true},
	} {
		err := in(c.run, c.environment)
		require.Error(t, err)
		assert.Equal(t, c.overtaken, strings.Contains(err.Error(), "is superseded: run "), "%v: %v", c, err)
	}
	assert.JSONEq(t, `{"commit":"`+commit+`","run":"newest","former":["new","old"],"account":"111111111111","region":"eu-west-1"}`, w.stored.Document("metadata/deployed/dev.json"))

	w.stored = buckettest.New(nil)
	err := in("old", "dev")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "is superseded", "without the state of the environment, the old run goes over the newest")
}
