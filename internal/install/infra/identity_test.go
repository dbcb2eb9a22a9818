package infra_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
)

var commit = strings.Repeat("a", 40)

func put(as aws.Config, bucket, key string) func(t *testing.T) error {
	return func(t *testing.T) error {
		_, err := s3.NewFromConfig(as).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader([]byte("x"))})
		return err
	}
}

// putNew writes an object if it does not exist.
func putNew(as aws.Config, bucket, key string) func(t *testing.T) error {
	return func(t *testing.T) error {
		_, err := s3.NewFromConfig(as).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader([]byte("x")), IfNoneMatch: aws.String("*")})
		if errs.Code(err) == "PreconditionFailed" { // another identity was first
			return nil
		}
		return err
	}
}

// putParts writes an object in parts.
func putParts(as aws.Config, bucket, key string, once *string) func(t *testing.T) error {
	return func(t *testing.T) error {
		client := s3.NewFromConfig(as)
		begun, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key})
		if err != nil {
			return err
		}
		part, err := client.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: &bucket, Key: &key, UploadId: begun.UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader([]byte("y"))})
		if err != nil {
			return err
		}
		_, err = client.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
			Bucket: &bucket, Key: &key, UploadId: begun.UploadId, IfNoneMatch: once,
			MultipartUpload: &s3types.CompletedMultipartUpload{Parts: []s3types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1)}}},
		})
		return err
	}
}

// overwrite writes an object if it is the one that the caller read.
func overwrite(as aws.Config, bucket, key string) func(t *testing.T) error {
	return func(t *testing.T) error {
		client := s3.NewFromConfig(as)
		old, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
		if err != nil {
			return err
		}
		_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader([]byte("z")), IfMatch: old.ETag})
		return err
	}
}

// withoutConditions is a template whose bucket lets everybody write without a condition.
func withoutConditions(t *testing.T, p pipeline) []byte {
	t.Helper()
	text, err := infra.Template(p.cfg, p.place)
	require.NoError(t, err)
	var template map[string]any
	require.NoError(t, json.Unmarshal(text, &template))
	policy := template["Resources"].(map[string]any)["ArtifactBucketPolicy"].(map[string]any)["Properties"].(map[string]any)["PolicyDocument"].(map[string]any)
	statements := policy["Statement"].([]any)
	require.Len(t, statements, 3)
	policy["Statement"] = statements[:1]
	text, err = json.Marshal(template)
	require.NoError(t, err)
	return text
}

// TestNobodyOverwritesArtifactsAndRecords is T16: whoever holds the role of a build writes
// the artifact of another commit, its description, or the record of another run, in one
// piece and in parts; so does an administrator, and the role that records runs.
func TestNobodyOverwritesArtifactsAndRecords(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	safe, loose := configured(t, "shop", devOnly), configured(t, "market", devOnly)
	c.install(safe)
	c.installTemplate(loose, withoutConditions(t, loose))
	other, once := strings.Repeat("b", 40), aws.String("*")
	for _, p := range []pipeline{safe, loose} {
		build := c.as(p, p.names.BuilderRole, p.names.Builder)
		attackers := map[string]aws.Config{"build": build, "administrator": c.admin(home)}
		for _, key := range []string{other + "/b.tar.zst", other + "/artifact.json", "metadata/workflows/shop-1/build.json"} {
			require.NoError(t, putNew(c.admin(home), p.place.Bucket, key)(t))
			for who, as := range attackers {
				for name, attack := range map[string]func(*testing.T) error{"in one piece": put(as, p.place.Bucket, key), "in parts": putParts(as, p.place.Bucket, key, nil)} {
					if name == "in parts" && who == "build" && !strings.HasSuffix(key, ".zst") {
						continue // it may not make parts of others
					}
					err := attack(t)
					assert.Equal(t, p.place.Bucket == safe.place.Bucket, denied(err), "%s overwrites %s %s in %s: %v", who, key, name, p.place.Bucket, err)
				}
			}
		}
		assert.Equal(t, "PreconditionFailed", errs.Code(putParts(build, p.place.Bucket, other+"/b.tar.zst", once)(t)))
	}
	build := c.as(safe, safe.names.BuilderRole, safe.names.Builder)
	assert.NoError(t, putParts(build, safe.place.Bucket, commit+"/large.tar.zst", once)(t))
	assert.NoError(t, putNew(build, safe.place.Bucket, commit+"/small.tar.zst")(t))
	assert.True(t, denied(put(build, safe.place.Bucket, commit+"/new.tar.zst")(t)), "a new one without the condition")

	record := c.as(safe, safe.names.RecorderRole, safe.names.Recorder)
	assert.True(t, denied(overwrite(record, safe.place.Bucket, "metadata/workflows/shop-1/build.json")(t)), "the record of a step")
}

// TestStateIsReplacedOnlyByWhoReadIt is about the commits, stacks and durations of environments.
func TestStateIsReplacedOnlyByWhoReadIt(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	p := configured(t, "shop", devOnly)
	c.install(p)
	deploy, record := c.deployer(p, home), c.as(p, p.names.RecorderRole, p.names.Recorder)
	for key, as := range map[string]aws.Config{
		"metadata/deployed/dev.json": deploy, "metadata/stacks/dev.json": deploy, "metadata/durations/dev.json": deploy,
		"metadata/workflows/shop-1.json": record, "metadata/workflows/deployed.json": record,
	} {
		assert.True(t, denied(put(as, p.place.Bucket, key)(t)), "%s without a condition", key)
		require.NoError(t, putNew(as, p.place.Bucket, key)(t), key)
		assert.NoError(t, overwrite(as, p.place.Bucket, key)(t), key)
		assert.True(t, denied(put(as, p.place.Bucket, key)(t)), "%s over another, without a condition", key)
		assert.True(t, denied(put(c.admin(home), p.place.Bucket, key)(t)), "%s by an administrator", key)
	}
}

func get(as aws.Config, bucket, key string) func(t *testing.T) error {
	return func(t *testing.T) error {
		_, err := s3.NewFromConfig(as).GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		return err
	}
}

func list(as aws.Config, bucket, prefix string) func(t *testing.T) error {
	return func(t *testing.T) error {
		_, err := s3.NewFromConfig(as).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
		return err
	}
}

func assume(as aws.Config, arn string) func(t *testing.T) error {
	return func(t *testing.T) error {
		_, err := sts.NewFromConfig(as).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("test")})
		return err
	}
}

func read(as aws.Config, secret string) func(t *testing.T) error {
	return func(t *testing.T) error {
		_, err := secretsmanager.NewFromConfig(as).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &secret})
		return err
	}
}

func describe(as aws.Config, stack string) func(t *testing.T) error {
	return func(t *testing.T) error {
		_, err := cloudformation.NewFromConfig(as).DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack})
		return err
	}
}

func create(as aws.Config, stack string) func(t *testing.T) error {
	return func(t *testing.T) error {
		_, err := cloudformation.NewFromConfig(as).CreateStack(t.Context(), &cloudformation.CreateStackInput{
			StackName: &stack, TemplateBody: aws.String(`{"Resources":{"B":{"Type":"AWS::S3::Bucket"}}}`),
		})
		return err
	}
}

func addSecret(t *testing.T, c cloud, name string) {
	t.Helper()
	c.deploy(c.admin(home), cfn.Goal{Name: "secret-" + strings.ReplaceAll(name, "/", "-"), Template: []byte(
		`{"Resources":{"S":{"Type":"AWS::SecretsManager::Secret","Properties":{"Name":"` + name + `","SecretString":"{}"}}}}`)})
}

func bootstrapRole(kind, account string) string {
	return "arn:aws:iam::" + account + ":role/cdk-hnb659fds-" + kind + "-role-" + account + "-" + region
}

// TestThePermissionsOfEachIdentity checks a table of all permissions against the rendered
// policies and trust policies, as AWS evaluates them.
func TestThePermissionsOfEachIdentity(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	shop := configured(t, "shop", devOnly+`  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Api}]}`+"\n")
	market := configured(t, "market", devOnly)
	for _, p := range []pipeline{shop, market} {
		c.install(p)
		addSecret(t, c, p.cfg.GithubTokenSecretName)
	}
	addSecret(t, c, "shop/token-of-another")
	cache := func(branch string) string {
		return bucket.CacheKey(branch, bucket.Cache{Saved: time.Unix(0, 0), Folders: strings.Repeat("1", 16), Files: strings.Repeat("2", 64), Digest: "sha256:" + strings.Repeat("3", 64)})
	}
	for _, key := range []string{commit + "/a.tar.zst", "metadata/workflows/shop-1.json", "metadata/workflows/shop-1/build.json", cache("main")} {
		require.NoError(t, putNew(c.admin(home), "shop-artifacts", key)(t))
	}
	require.NoError(t, putNew(c.admin(home), "market-artifacts", cache("main"))(t))
	paths := configured(t, "paths", devOnly+"triggers: {paths: [lib/**]}\n")
	c.install(paths)
	for _, key := range []string{bucket.DeployedKey(), bucket.ReachedKey("dev"), "metadata/workflows/paths-1.json"} {
		require.NoError(t, putNew(c.admin(home), "paths-artifacts", key)(t))
	}
	compares := c.as(paths, paths.names.ValidatorRole, paths.names.Validator)
	validate := c.as(shop, shop.names.ValidatorRole, shop.names.Validator)
	build := c.as(shop, shop.names.BuilderRole, shop.names.Builder)
	update := c.as(shop, shop.names.UpdaterRole, shop.names.Updater)
	dev, other := c.deployer(shop, home), c.deployer(shop, prod)
	record := c.as(shop, shop.names.RecorderRole, shop.names.Recorder)
	watch := c.as(shop, shop.names.ReconcilerRole, shop.names.Reconciler)

	for name, may := range map[string]func(*testing.T) error{
		"the validation looks into its own account":       assume(validate, bootstrapRole("lookup", home)),
		"the validation looks into another account":       assume(validate, bootstrapRole("lookup", prod)),
		"the validation reads the repository's token":     read(validate, "shop/token"),
		"the check of a pull request stores its plan":     put(validate, "shop-artifacts", bucket.PlanKey(commit, "shop-check-1", "dev")),
		"the check of a pull request stores its comment":  put(validate, "shop-artifacts", bucket.PlanCommentKey(commit, "shop-check-1")),
		"the comparison finds what is deployed":           list(compares, "paths-artifacts", bucket.DeployedKey()),
		"the comparison reads what is deployed":           get(compares, "paths-artifacts", bucket.DeployedKey()),
		"the comparison finds the environments":           list(compares, "paths-artifacts", bucket.ReachedPrefix()),
		"the comparison reads what an environment has":    get(compares, "paths-artifacts", bucket.ReachedKey("dev")),
		"the build checks whether an artifact exists":     list(build, "shop-artifacts", commit+"/b"),
		"the build reads the repository's token":          read(build, "shop/token"),
		"the build lists the caches of a branch":          list(build, "shop-artifacts", bucket.CachePrefix("main")),
		"the build reads a cache":                         get(build, "shop-artifacts", cache("main")),
		"the build saves a cache":                         putParts(build, "shop-artifacts", cache("other"), aws.String("*")),
		"the update reads an artifact":                    get(update, "shop-artifacts", commit+"/a.tar.zst"),
		"the update reads the record of a run":            get(update, "shop-artifacts", "metadata/workflows/shop-1.json"),
		"the update lists the commits of environments":    list(update, "shop-artifacts", "metadata/deployed/"),
		"the update looks into an account":                assume(update, bootstrapRole("lookup", prod)),
		"the update reads its own stack":                  describe(update, shop.names.Stack),
		"the update reads the repository's token":         read(update, "shop/token"),
		"the deployment reads an artifact":                get(dev, "shop-artifacts", commit+"/a.tar.zst"),
		"the deployment assumes roles in its account":     assume(dev, bootstrapRole("deploy", home)),
		"the deployment assumes roles in another account": assume(other, bootstrapRole("deploy", prod)),
		"the deployment publishes files":                  assume(other, bootstrapRole("file-publishing", prod)),
		"the deployment publishes images":                 assume(other, bootstrapRole("image-publishing", prod)),
		"the deployment looks up context":                 assume(other, bootstrapRole("lookup", prod)),
		"the record lists the records of steps":           list(record, "shop-artifacts", "metadata/workflows/shop-1/"),
		"the record reads the record of a step":           get(record, "shop-artifacts", "metadata/workflows/shop-1/build.json"),
		"the reconciler lists records":                    list(watch, "shop-artifacts", "metadata/workflows/shop-1.json"),
		"the reconciler reads the record of a run":        get(watch, "shop-artifacts", "metadata/workflows/shop-1.json"),
		"the reconciler reads the repository's token":     read(watch, "shop/token"),
	} {
		assert.NoError(t, may(t), name)
	}
	for name, mayNot := range map[string]func(*testing.T) error{
		"the build deploys":                                create(build, "app"),
		"the build overwrites a cache":                     putParts(build, "shop-artifacts", cache("main"), nil),
		"the build saves a cache of another name":          putNew(build, "shop-artifacts", bucket.CachePrefix("main")+"evil"),
		"the build lists another pipeline's caches":        list(build, "market-artifacts", bucket.CachePrefix("main")),
		"the build reads another pipeline's cache":         get(build, "market-artifacts", cache("main")),
		"the build saves another pipeline's cache":         putNew(build, "market-artifacts", cache("other")),
		"the validation reads a cache":                     get(validate, "shop-artifacts", cache("main")),
		"the validation of a pull request saves a cache":   putNew(validate, "shop-artifacts", cache("more")),
		"the update saves a cache":                         putNew(update, "shop-artifacts", cache("more")),
		"the deployment saves a cache":                     putNew(dev, "shop-artifacts", cache("more")),
		"the deployment reads a cache":                     get(dev, "shop-artifacts", cache("main")),
		"the record saves a cache":                         putNew(record, "shop-artifacts", cache("more")),
		"an administrator overwrites a cache":              put(c.admin(home), "shop-artifacts", cache("main")),
		"the build reads the pipeline's stack":             describe(build, shop.names.Stack),
		"the build reads artifacts":                        get(build, "shop-artifacts", commit+"/a.tar.zst"),
		"the build lists the whole bucket":                 list(build, "shop-artifacts", ""),
		"the build reads another pipeline's bucket":        get(build, "market-artifacts", commit+"/a.tar.zst"),
		"the build writes to another pipeline's bucket":    put(build, "market-artifacts", commit+"/a.tar.zst"),
		"the build reads another pipeline's token":         read(build, "market/token"),
		"the build reads a secret with the same prefix":    read(build, "shop/token-of-another"),
		"the build reads the webhook's secret":             read(build, shop.names.Secret),
		"the validation deploys":                           assume(validate, bootstrapRole("deploy", prod)),
		"the validation publishes":                         assume(validate, bootstrapRole("file-publishing", home)),
		"the check of a pull request deploys at home":      assume(validate, bootstrapRole("deploy", home)),
		"the check of a pull request publishes images":     assume(validate, bootstrapRole("image-publishing", prod)),
		"the check of a pull request acts for a stack":     assume(validate, bootstrapRole("cfn-exec", prod)),
		"the check of a pull request creates a stack":      create(validate, "app"),
		"the check of a pull request stores an artifact":   putNew(validate, "shop-artifacts", commit+"/c.tar.zst"),
		"the check of a pull request stores outputs":       put(validate, "shop-artifacts", bucket.OutputsKey(commit, "dev")),
		"the check of a pull request reads a plan":         get(validate, "shop-artifacts", bucket.PlanKey(commit, "shop-check-1", "dev")),
		"the deployment changes a plan":                    put(dev, "shop-artifacts", bucket.PlanKey(commit, "shop-check-1", "dev")),
		"the validation reads artifacts":                   get(validate, "shop-artifacts", commit+"/a.tar.zst"),
		"the validation reads what is deployed":            get(validate, "shop-artifacts", "metadata/workflows/shop-1.json"),
		"the comparison reads the record of a run":         get(compares, "paths-artifacts", "metadata/workflows/paths-1.json"),
		"the comparison lists the whole bucket":            list(compares, "paths-artifacts", ""),
		"the comparison writes what is deployed":           put(compares, "paths-artifacts", bucket.DeployedKey()),
		"the update deploys":                               assume(update, bootstrapRole("deploy", prod)),
		"the update deploys at home":                       assume(update, bootstrapRole("deploy", home)),
		"the update publishes":                             assume(update, bootstrapRole("image-publishing", prod)),
		"the update reads another pipeline's stack":        describe(update, market.names.Stack),
		"the update reads the cluster's stack":             describe(update, "cluster"),
		"the update creates a stack":                       create(update, "app"),
		"the update reads the webhook's secret":            read(update, shop.names.Secret),
		"the deployment reads another pipeline's bucket":   get(dev, "market-artifacts", commit+"/a.tar.zst"),
		"the deployment lists another pipeline's bucket":   list(dev, "market-artifacts", commit),
		"the deployment reads the webhook's secret":        read(dev, shop.names.Secret),
		"the deployment reads the repository's token":      read(dev, "shop/token"),
		"the deployment reads the record of a run":         get(dev, "shop-artifacts", "metadata/workflows/shop-1.json"),
		"the deployment reads the pipeline's stack":        describe(dev, shop.names.Stack),
		"the deployment assumes a role of no environment":  assume(other, "arn:aws:iam::222222222222:role/SomebodyElses"),
		"the deployment assumes the execution role":        assume(other, bootstrapRole("cfn-exec", prod)),
		"the deployment assumes roles of no environment":   assume(other, bootstrapRole("deploy", "333333333333")),
		"the deployment to dev enters prod":                assume(dev, bootstrapRole("deploy", prod)),
		"the deployment to dev looks into prod":            assume(dev, bootstrapRole("lookup", prod)),
		"the deployment to prod enters dev":                assume(other, bootstrapRole("deploy", home)),
		"the deployment creates a stack directly":          create(dev, "app"),
		"another pipeline's deployment enters prod":        assume(c.deployer(market, home), bootstrapRole("deploy", prod)),
		"the record enters an account":                     assume(record, bootstrapRole("lookup", home)),
		"the record reads artifacts":                       get(record, "shop-artifacts", commit+"/a.tar.zst"),
		"the record reads the repository's token":          read(record, "shop/token"),
		"the reconciler reads artifacts":                   get(watch, "shop-artifacts", commit+"/a.tar.zst"),
		"the reconciler assumes a role of an environment":  assume(watch, bootstrapRole("lookup", home)),
		"the reconciler reads the state of an environment": get(watch, "shop-artifacts", "metadata/deployed/dev.json"),
	} {
		err := mayNot(t)
		assert.True(t, denied(err), "%s: %v", name, err)
	}
	for name, as := range map[string]aws.Config{"validate": validate, "build": build, "update": update, "deploy": dev, "record": record, "watch": watch} {
		for _, role := range []string{
			shop.names.ValidatorRole, shop.names.BuilderRole, shop.names.UpdaterRole, shop.names.StackRole, shop.names.RecorderRole,
			shop.names.ReconcilerRole, shop.names.DeployerRole(shop.access(t, home)), shop.names.DeployerRole(shop.access(t, prod)),
			market.names.DeployerRole(market.access(t, home)), market.names.UpdaterRole,
		} {
			err := assume(as, shop.place.RoleARN(role))(t)
			assert.True(t, denied(err), "%s assumes %s: %v", name, role, err)
		}
	}
}

// TestRolesThatMayDoAnythingWouldLetEachIdentityInEverywhere shows that what the table above
// denies succeeds if the roles of the stack may do anything (P1, P2, P5).
func TestRolesThatMayDoAnythingWouldLetEachIdentityInEverywhere(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	shop := configured(t, "shop", devAndProd)
	market := configured(t, "market", devOnly)
	c.install(market)
	addSecret(t, c, market.cfg.GithubTokenSecretName)
	c.installTemplate(shop, edited(t, shop, func(resources map[string]any) {
		for id, resource := range resources {
			if resource.(map[string]any)["Type"] == "AWS::IAM::Role" {
				delete(properties(resources, id), "PermissionsBoundary")
				properties(resources, id)["Policies"] = []any{map[string]any{"PolicyName": "anything", "PolicyDocument": anything}}
			}
		}
	}))
	require.NoError(t, putNew(c.admin(home), "market-artifacts", commit+"/a.tar.zst")(t))
	validate := c.as(shop, shop.names.ValidatorRole, shop.names.Validator)
	build := c.as(shop, shop.names.BuilderRole, shop.names.Builder)
	dev, other := c.deployer(shop, home), c.deployer(shop, prod)
	for name, attack := range map[string]func(*testing.T) error{
		"the check of a pull request deploys at home":     assume(validate, bootstrapRole("deploy", home)),
		"the check of a pull request publishes images":    assume(validate, bootstrapRole("image-publishing", prod)),
		"the build deploys":                               create(build, "app"),
		"the build reads another pipeline's bucket":       get(build, "market-artifacts", commit+"/a.tar.zst"),
		"the build reads another pipeline's token":        read(build, "market/token"),
		"the deployment reads another pipeline's bucket":  get(dev, "market-artifacts", commit+"/a.tar.zst"),
		"the deployment assumes a role of no environment": assume(other, "arn:aws:iam::222222222222:role/SomebodyElses"),
		"the deployment assumes the execution role":       assume(other, bootstrapRole("cfn-exec", prod)),
		"the deployment to dev enters prod":               assume(dev, bootstrapRole("deploy", prod)),
		"the deployment to prod enters dev":               assume(other, bootstrapRole("deploy", home)),
	} {
		assert.NoError(t, attack(t), name)
	}
}

// TestEachIdentityWritesItsKeysAndNoOther writes every kind of key as every identity.
func TestEachIdentityWritesItsKeysAndNoOther(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	shop := configured(t, "shop", devOnly)
	c.install(shop)
	identities := map[string]aws.Config{
		"validate": c.as(shop, shop.names.ValidatorRole, shop.names.Validator), "build": c.as(shop, shop.names.BuilderRole, shop.names.Builder),
		"update": c.as(shop, shop.names.UpdaterRole, shop.names.Updater), "deploy": c.deployer(shop, home),
		"record": c.as(shop, shop.names.RecorderRole, shop.names.Recorder), "watch": c.as(shop, shop.names.ReconcilerRole, shop.names.Reconciler),
	}
	for key, writers := range map[string][]string{
		commit + "/b.tar.zst":                       {"build"},
		commit + "/artifact.json":                   {"build"},
		commit + "/dev/outputs.json":                {"deploy"},
		commit + "/dev/outputs-detailed.json":       {"deploy"},
		commit + "/dev/tests/report.json":           {"deploy"},
		commit + "/dev/tests/log.txt":               {"deploy"},
		commit + "/dev/tests/junit/reports/a.xml":   {"deploy"},
		"metadata/workflows/shop-1/validate.json":   {"record", "validate"},
		"metadata/workflows/shop-1/build.json":      {"build", "record"},
		"metadata/workflows/shop-1/build.2.json":    {"build", "record"},
		"metadata/workflows/shop-1/pipeline.json":   {"record", "update"},
		"metadata/workflows/shop-1/gate-dev.json":   {"record"},
		"metadata/workflows/shop-1/deploy-dev.json": {"deploy", "record"},
		"metadata/workflows/shop-1/test-dev.json":   {"deploy", "record"},
		"metadata/workflows/shop-1/record.json":     {"record"},
		"metadata/workflows/shop-1.json":            {"record"},
		"metadata/workflows/deployed.json":          {"record"},
		"metadata/workflows/index.json":             {"record"},
		"metadata/workflows/index.html":             {"record"},
		"metadata/workflows/shop-1.html":            {"record"},
		"metadata/order.json":                       {"update"},
		commit + "/_plans/shop-check-1/dev.json":    {"validate"},
		commit + "/_plans/shop-check-1/plan.md":     {"validate"},
		"metadata/workflows/shop-1/plan.json":       {"record", "validate"},
		"metadata/deployed/dev.json":                {"deploy", "update"},
		"metadata/durations/dev.json":               {"deploy"},
		"metadata/stacks/dev.json":                  {"deploy", "update"},
		"metadata/templates/ab.json":                {"update"},
		"metadata/freezes/dev.json":                 nil,
		"metadata/overrides/shop-1/dev.json":        {"update"},
		"metadata/approvals/shop-1.json":            {"update"},
		"metadata/approvals/shop-1/dev.json":        {"update"},
		"other":                                     nil,
		commit + "/other":                           nil,
		"metadata/other":                            nil,
		"metadata/workflows/shop-1":                 nil,
		"0123/b.tar.zst":                            nil,
		"deployed/dev.json":                         nil,
		"metadata/deployed/dev":                     nil,
	} {
		for name, as := range identities {
			err := putNew(as, "shop-artifacts", key)(t)
			if slices.Contains(writers, name) {
				assert.NoError(t, err, "%s writes %s", name, key)
				continue
			}
			assert.True(t, denied(err), "%s writes %s: %v", name, key, err)
		}
	}
}

// TestTheDeploymentsOfAnAccountWriteTheStateOfAnotherAndNothingElseOfIt shows what the
// identities of two accounts share, and where that ends: ADR 21.
func TestTheDeploymentsOfAnAccountWriteTheStateOfAnotherAndNothingElseOfIt(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	shop := configured(t, "shop", devOnly+`  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Api}]}`+"\n")
	c.install(shop)
	of := map[string]*s3.Client{home: s3.NewFromConfig(c.deployer(shop, home)), prod: s3.NewFromConfig(c.deployer(shop, prod))}
	put := func(account, key, text string, match *string) (*s3.PutObjectOutput, error) {
		in := &s3.PutObjectInput{Bucket: aws.String("shop-artifacts"), Key: &key, Body: strings.NewReader(text), IfMatch: match}
		if match == nil {
			in.IfNoneMatch = aws.String("*")
		}
		return of[account].PutObject(t.Context(), in)
	}
	const state = "metadata/deployed/prod.json"
	kept, err := put(prod, state, `{"approval":true}`, nil)
	require.NoError(t, err)
	_, err = put(home, state, `{}`, kept.ETag)
	require.NoError(t, err, "the state is shared")
	_, err = put(prod, state, `{"approval":true}`, kept.ETag)
	require.ErrorContains(t, err, "PreconditionFailed", "which its owner notices")
	versions, err := s3.NewFromConfig(c.admin(home)).ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String("shop-artifacts"), Prefix: aws.String(state)})
	require.NoError(t, err)
	assert.Len(t, versions.Versions, 2, "and the one before is there")
	_, err = put(home, commit+"/prod/outputs.json", "{}", nil)
	require.NoError(t, err, "so are the outputs of a commit")

	record, err := put(prod, "metadata/workflows/shop-1/deploy-prod.json", "{}", nil)
	require.NoError(t, err)
	_, err = put(home, "metadata/workflows/shop-1/deploy-prod.json", "{}", nil)
	require.ErrorContains(t, err, "PreconditionFailed")
	_, err = put(home, "metadata/workflows/shop-1/deploy-prod.json", "{}", record.ETag)
	assert.True(t, denied(err), "a record is never replaced: %v", err)
	_, err = of[home].PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("shop-artifacts"), Key: aws.String(state), Body: strings.NewReader("{}")})
	assert.True(t, denied(err), "nor is state without reading it: %v", err)
	_, err = of[home].DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("shop-artifacts"), Key: aws.String(state)})
	assert.True(t, denied(err), "nothing is deleted: %v", err)
	for _, key := range []string{commit + "/b.tar.zst", "metadata/workflows/shop-1.json", "metadata/workflows/deployed.json", "metadata/workflows/index.json", "metadata/freezes/prod.json", "metadata/overrides/shop-1/prod.json", commit + "/_plans/shop-check-1/prod.json"} {
		_, err = put(home, key, "{}", nil)
		assert.True(t, denied(err), "%s: %v", key, err)
	}
	assert.True(t, denied(assume(c.deployer(shop, home), bootstrapRole("deploy", prod))(t)), "the account itself is not entered")
}

func TestARoleIsAssumedByItsServiceAccountAndNoOther(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	shop, market := configured(t, "shop", devOnly), configured(t, "market", devOnly)
	c.install(shop)
	c.install(market)
	for role, account := range map[string]string{
		shop.names.RecorderRole: "shop", shop.names.ValidatorRole: "shop-validate", shop.names.BuilderRole: "shop-build", shop.names.UpdaterRole: "shop-update",
		shop.names.ReconcilerRole: "shop-watch", shop.names.DeployerRole(shop.access(t, home)): "shop-111111111111",
	} {
		_, err := c.pod(shop, role, "argo", account)
		assert.NoError(t, err, role)
		for _, other := range []struct{ namespace, account string }{
			{"argo", "market"}, {"argo", "market-build"}, {"argo", "default"}, {"argo-events", account}, {"argo", account + "x"}, {"argo", "*"},
		} {
			_, err := c.pod(shop, role, other.namespace, other.account)
			assert.True(t, denied(err), "%s as %s: %v", role, other, err)
		}
	}
	_, err := c.pod(shop, shop.names.DeployerRole(shop.access(t, home)), "argo", shop.names.Builder)
	assert.True(t, denied(err), "the build assumes the deployer's role: %v", err)
	for _, account := range []string{shop.names.Updater, shop.names.Recorder} {
		_, err = c.pod(shop, shop.names.StackRole, "argo", account)
		assert.True(t, denied(err), "only CloudFormation assumes the role of the stack: %v", err)
	}
}

func TestARoleOfTheEnvironmentReplacesTheBootstrapRoles(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	own := "arn:aws:iam::222222222222:role/AphexPipelineCrossAccountRole"
	inProd := devOnly + `  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Api}], roleArn: "` + own + `", externalId: "id"}` + "\n"
	safe, loose := configured(t, "shop", inProd), configured(t, "market", inProd)
	c.install(safe)
	c.installTemplate(loose, edited(t, loose, func(r map[string]any) {
		widenings["policy of all deployments"](r)
		widenings["boundary"](r)
	}))
	for _, p := range []pipeline{safe, loose} {
		assert.NoError(t, assume(c.deployer(p, prod), own)(t))
		for name, attack := range map[string]func(*testing.T) error{
			"prod by its bootstrap": assume(c.deployer(p, prod), bootstrapRole("deploy", prod)), "dev": assume(c.deployer(p, home), own),
		} {
			err := attack(t)
			assert.Equal(t, p.place.Bucket == safe.place.Bucket, denied(err), "%s in %s: %v", name, p.place.Bucket, err)
		}
	}
	for name, as := range map[string]aws.Config{
		"validate": c.as(safe, safe.names.ValidatorRole, safe.names.Validator), "update": c.as(safe, safe.names.UpdaterRole, safe.names.Updater),
	} {
		assert.True(t, denied(assume(as, own)(t)), name)
	}
}

// TestAnEnvironmentInAnApprovedAccountNeedsNobody is about another region of it, and its
// own bootstraps.
func TestAnEnvironmentInAnApprovedAccountNeedsNobody(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	p := configured(t, "shop", devOnly+`  - {name: prod, account: "222222222222", region: us-west-2, stacks: [{name: Api}]}`+"\n")
	c.install(p)
	assert.NoError(t, assume(c.deployer(p, prod), bootstrapRole("deploy", prod))(t), "another region than the configured one")
	assert.True(t, denied(assume(c.deployer(p, prod), strings.Replace(bootstrapRole("deploy", prod), "hnb659fds", "others", 1))(t)), "another qualifier is another bootstrap")
}

func TestTheRoleOfTheCommandsOfAnEnvironmentIsAssumedBesides(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	const role = "arn:aws:iam::222222222222:role/AphexPipelineCrossAccountRole"
	for _, given := range []string{"", `, commandRoleArn: "` + role + `", externalId: "id"`} {
		p := configured(t, "shop", `  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Api}]`+given+"}\n")
		c.install(p)
		deploy := c.deployer(p, prod)
		assert.Equal(t, given == "", denied(assume(deploy, role)(t)), given)
		assert.NoError(t, assume(deploy, bootstrapRole("deploy", prod))(t))
	}
}

func TestTheStackExportsItsNamesUniquely(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	shop, market := configured(t, "shop", devOnly), configured(t, "market", devOnly)
	values := map[string]string{}
	for _, p := range []pipeline{shop, market} {
		for _, output := range c.install(p).Outputs {
			assert.Equal(t, p.names.Stack+"-"+output.Key, output.ExportName)
			values[output.ExportName] = output.Value
		}
	}
	assert.Len(t, values, 10, "two pipelines share no export")
	assert.Equal(t, "shop-artifacts", values[shop.names.Stack+"-"+infra.OutputBucket])
	assert.Equal(t, shop.place.RoleARN(shop.names.DeployerRole(shop.access(t, home))), values[shop.names.Stack+"-"+infra.OutputRole])
	assert.Equal(t, "shop", values[shop.names.Stack+"-"+infra.OutputTemplate])
	assert.Contains(t, values[shop.names.Stack+"-"+infra.OutputInstructions], shop.names.Secret)

	secret, err := secretsmanager.NewFromConfig(c.admin(home)).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &shop.names.Secret})
	require.NoError(t, err)
	assert.Len(t, *secret.SecretString, 64)
	for name, value := range values {
		assert.NotContains(t, value, *secret.SecretString, name)
	}
}

// TestTheBuildAssumesTheRoleOfItsCommandsAndNoOther is the approval of build.roleArn: a
// commit that names another role finds no permission.
func TestTheBuildAssumesTheRoleOfItsCommandsAndNoOther(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	const approved = "arn:aws:iam::222222222222:role/AphexPipelineCrossAccountRole"
	for _, given := range []string{"", "build: {roleArn: \"" + approved + "\"}\n"} {
		p := configured(t, "shop", devOnly+given)
		c.install(p)
		build := c.as(p, p.names.BuilderRole, p.names.Builder)
		assert.Equal(t, given == "", denied(assume(build, approved)(t)), given)
		for _, other := range []string{bootstrapRole("lookup", home), bootstrapRole("deploy", prod), "arn:aws:iam::222222222222:role/SomebodyElses"} {
			assert.True(t, denied(assume(build, other)(t)), other)
		}
		for name, as := range map[string]aws.Config{"deploy": c.deployer(p, home), "validate": c.as(p, p.names.ValidatorRole, p.names.Validator), "update": c.as(p, p.names.UpdaterRole, p.names.Updater)} {
			assert.True(t, denied(assume(as, approved)(t)), name)
		}
	}
}

// TestSecretsOfCommandsAreReadByTheIdentityOfTheirStepAndNoOther is the approval of secrets: a
// commit that names another one finds no permission, and one that needs fewer is followed.
func TestSecretsOfCommandsAreReadByTheIdentityOfTheirStepAndNoOther(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	names := []string{"shop/npm", "shop/api", "shop/npm-other", "shop/np"}
	for _, name := range names {
		_, err := secretsmanager.NewFromConfig(c.admin(home)).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: aws.String("x")})
		require.NoError(t, err)
		_, err = ssm.NewFromConfig(c.admin(home)).PutParameter(t.Context(), &ssm.PutParameterInput{Name: aws.String("/" + name), Value: aws.String("x"), Type: "SecureString"})
		require.NoError(t, err)
	}
	const build = "{NPM: {secretsManager: shop/npm, key: a}, SAME: {secretsManager: shop/npm}, PARAMETER: {ssm: /shop/npm}}"
	const environments = `  - {name: dev, account: "111111111111", region: eu-west-1, tests: {commands: ["true"], secrets: {API: {secretsManager: shop/api}}}, hooks: {preDeploy: ["true"], secrets: {API: {ssm: /shop/api}}}}
  - {name: prod, account: "222222222222", region: eu-west-1}
stacks: [{name: Api}]
build: {secrets: ` + build + "}\n"
	p := configured(t, "shop", environments)
	c.install(p)
	for identity, can := range map[string]struct {
		as   aws.Config
		read string
	}{
		"build": {c.as(p, p.names.BuilderRole, p.names.Builder), "shop/npm"}, "deploy dev": {c.deployer(p, home), "shop/api"}, "deploy prod": {c.deployer(p, prod), ""},
		"validate": {c.as(p, p.names.ValidatorRole, p.names.Validator), ""}, "update": {c.as(p, p.names.UpdaterRole, p.names.Updater), ""}, "record": {c.as(p, p.names.RecorderRole, p.names.Recorder), ""},
	} {
		for _, name := range names {
			_, err := secretsmanager.NewFromConfig(can.as).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &name})
			assert.Equal(t, name != can.read, denied(err), "%s reads secret %s: %v", identity, name, err)
			_, err = ssm.NewFromConfig(can.as).GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/" + name), WithDecryption: aws.Bool(true)})
			assert.Equal(t, name != can.read, denied(err), "%s reads parameter %s: %v", identity, name, err)
		}
	}

	fewer := configured(t, "shop", strings.Replace(environments, ", PARAMETER: {ssm: /shop/npm}", "", 1))
	_, err := c.follow(p, fewer)
	require.NoError(t, err, "a commit that needs fewer secrets changes no permission")
	_, err = c.follow(p, configured(t, "shop", strings.Replace(environments, "secrets: "+build, "commands: [make]", 1)))
	require.NoError(t, err, "nor one whose build needs none")
	for _, other := range []string{"secretsManager: shop/other", "ssm: /shop/other"} {
		_, err = c.follow(p, configured(t, "shop", strings.Replace(environments, "ssm: /shop/npm", other, 1)))
		require.ErrorContains(t, err, "which only a person may: Boundary, BuildSecrets", other)
	}
	_, err = c.follow(configured(t, "shop", strings.Replace(environments, "PARAMETER: {ssm: /shop/npm}", "OTHER: {secretsManager: shop/other}", 1)), p)
	require.ErrorContains(t, err, "which only a person may: Boundary, BuildSecrets", "a kind more")
}

// TestAKeyOfYourOwnIsUsedByThoseWhoReadWhatItEncryptsAndNoOther is the approval of kmsKeyArns.
func TestAKeyOfYourOwnIsUsedByThoseWhoReadWhatItEncryptsAndNoOther(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	key := func(digit string) string {
		return "arn:aws:kms:eu-west-1:111111111111:key/" + strings.Repeat(digit, 8) + "-1234-1234-1234-123456789012"
	}
	for name, encryptedBy := range map[string]string{"shop/npm": key("1"), "shop/other": key("2"), "shop/token": key("1")} {
		_, err := secretsmanager.NewFromConfig(c.admin(home)).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: aws.String("x"), KmsKeyId: &encryptedBy})
		require.NoError(t, err)
		_, err = ssm.NewFromConfig(c.admin(home)).PutParameter(t.Context(), &ssm.PutParameterInput{Name: aws.String("/" + name), Value: aws.String("x"), Type: "SecureString", KeyId: &encryptedBy})
		require.NoError(t, err)
	}
	of := func(keys string) pipeline {
		return configured(t, "shop", devOnly+keys+
			"build: {secrets: {A: {secretsManager: shop/npm}, B: {ssm: /shop/npm}, C: {secretsManager: shop/other}, D: {ssm: /shop/other}}}\n")
	}
	reads := func(as aws.Config, name string) (secret, parameter error) {
		_, secret = secretsmanager.NewFromConfig(as).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &name})
		_, parameter = ssm.NewFromConfig(as).GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/" + name), WithDecryption: aws.Bool(true)})
		return secret, parameter
	}
	without, with, more := of(""), of("kmsKeyArns: ["+key("1")+"]\n"), of("kmsKeyArns: ["+key("1")+", "+key("2")+"]\n")

	c.install(without)
	secret, parameter := reads(c.as(without, without.names.BuilderRole, without.names.Builder), "shop/npm")
	assert.ErrorContains(t, secret, "Access to KMS is not allowed")
	assert.ErrorContains(t, parameter, "kms:Decrypt")

	c.install(with)
	build, validate := c.as(with, with.names.BuilderRole, with.names.Builder), c.as(with, with.names.ValidatorRole, with.names.Validator)
	secret, parameter = reads(build, "shop/npm")
	assert.NoError(t, secret)
	assert.NoError(t, parameter)
	assert.NoError(t, read(validate, "shop/token")(t), "the token of the repository, too")
	secret, parameter = reads(build, "shop/other")
	assert.ErrorContains(t, secret, "Access to KMS is not allowed", "a key that nobody named")
	assert.ErrorContains(t, parameter, "kms:Decrypt")
	secret, _ = reads(validate, "shop/npm")
	assert.ErrorContains(t, secret, "GetSecretValue", "a key opens no secret")

	_, err := c.follow(with, without)
	require.NoError(t, err, "a commit that names no key changes no permission")
	_, err = c.follow(with, more)
	require.ErrorContains(t, err, "which only a person may: ", "a key more")
}
