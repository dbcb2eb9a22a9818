package infra_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
)

// updateAs updates the pipeline's AWS stack with a template, as whoever holds the
// credentials of the update can.
func (c cloud) updateAs(p pipeline, template []byte) (cfn.Result, error) {
	c.t.Helper()
	update := c.as(p, p.names.UpdaterRole, p.names.Updater)
	return cfn.Deploy(c.t.Context(), cloudformation.NewFromConfig(update), cfn.Goal{
		Name: p.names.Stack, Template: template, ExecutionRole: p.place.RoleARN(p.names.StackRole), Tags: infra.Tags(p.names),
	}, cfn.Options{Upload: clients.TemplateUploader(update, bucket.OwnedBy(home), p.place.Bucket)})
}

// follow updates the stack to the configuration of a commit, as a run does.
func (c cloud) follow(installed, declared pipeline) (cfn.Result, error) {
	c.t.Helper()
	now, err := infra.Template(installed.cfg, installed.place)
	require.NoError(c.t, err)
	next, err := infra.Template(declared.cfg, declared.place)
	require.NoError(c.t, err)
	template, err := infra.Follow(next, now)
	if err != nil {
		return cfn.Result{}, err
	}
	return c.updateAs(installed, template)
}

func TestACommitUpdatesTheStackAndLeavesPermissionsAsAPersonInstalledThem(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	prodToo := devOnly + `  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Api}]}` + "\n"
	before := configured(t, "shop", prodToo)
	c.install(before)

	after := configured(t, "shop", devOnly+"artifactRetentionDays: 7\n")
	result, err := c.follow(before, after)
	require.NoError(t, err)
	assert.Equal(t, cfn.Updated, result.Action)
	rules, err := s3.NewFromConfig(c.admin(home)).GetBucketLifecycleConfiguration(t.Context(), &s3.GetBucketLifecycleConfigurationInput{Bucket: &before.place.Bucket})
	require.NoError(t, err)
	assert.EqualValues(t, 14, *rules.Rules[1].Expiration.Days, "caches")
	assert.EqualValues(t, 7, *rules.Rules[2].Expiration.Days)
	assert.NoError(t, assume(c.deployer(before, prod), bootstrapRole("deploy", prod))(t), "an account stays approved without an environment")

	result, err = c.follow(before, after)
	require.NoError(t, err)
	assert.Equal(t, cfn.Unchanged, result.Action)
}

// A template of many accounts is too large to send inline: it is published in the bucket by
// who updates the stack, and CloudFormation reads it with the permissions of the same.
func TestAPipelineOfManyAccountsUpdatesItsStack(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	many := devOnly
	for i := range 100 {
		many += fmt.Sprintf("  - {name: e%d, account: \"%d\", region: eu-west-1, stacks: [{name: Api}]}\n", i, 300000000000+i)
	}
	before := configured(t, "shop", many)
	first, err := infra.BucketTemplate(before.cfg, before.place)
	require.NoError(t, err)
	c.installTemplate(before, first)
	c.install(before)
	result, err := c.follow(before, configured(t, "shop", many+"artifactRetentionDays: 7\n"))
	require.NoError(t, err)
	assert.Equal(t, cfn.Updated, result.Action)
	const last = "300000000099"
	c.deploy(c.admin(last), cfn.Goal{Name: "CDKToolkit", Template: []byte(bootstrapStack(last))})
	for _, pod := range [][2]string{{before.names.ValidatorRole, before.names.Validator}, {before.names.UpdaterRole, before.names.Updater}} {
		as := c.as(before, pod[0], pod[1])
		require.NoError(t, assume(as, bootstrapRole("lookup", last))(t), "its second policy lets it look into the last account")
		require.Error(t, assume(as, bootstrapRole("deploy", last))(t))
	}

	published, err := s3.NewFromConfig(c.admin(home)).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &before.place.Bucket, Prefix: aws.String(bucket.TemplatesPrefix())})
	require.NoError(t, err)
	require.Len(t, published.Contents, 2)
	update := s3.NewFromConfig(c.as(before, before.names.UpdaterRole, before.names.Updater))
	_, err = update.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &before.place.Bucket, Key: published.Contents[0].Key, Body: strings.NewReader("{}")})
	assert.True(t, denied(err), "a template is never replaced: %v", err)
	deployment := s3.NewFromConfig(c.deployer(before, home))
	_, err = deployment.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &before.place.Bucket, Key: aws.String(bucket.TemplateKey(strings.Repeat("0", 64))), Body: strings.NewReader("{}"), IfNoneMatch: aws.String("*"),
	})
	assert.True(t, denied(err), "a deployment publishes none: %v", err)
}

func TestPermissionsThatACommitAddsWaitForAPerson(t *testing.T) {
	for name, declared := range map[string]struct {
		installed, declared string
		names               []string
	}{
		"an account":           {devOnly, devOnly + `  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Api}]}` + "\n", []string{"DeployerRole222222222222"}},
		"a role":               {devOnly, devOnly + `  - {name: prod, account: "111111111111", region: eu-west-1, stacks: [{name: Api}], roleArn: "arn:aws:iam::111111111111:role/r"}` + "\n", []string{"DeployerRole111111111111"}},
		"a reconciler":         {devOnly + "reconcileSchedule: \"\"\n", devOnly, []string{"WatcherRole"}},
		"another namespace":    {devOnly, devOnly + "argoNamespace: other\n", []string{"BuilderRole", "RecorderRole"}},
		"nothing but settings": {devOnly, devOnly + "artifactRetentionDays: 7\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			render := func(environments string) []byte {
				p := configured(t, "shop", environments)
				text, err := infra.Template(p.cfg, p.place)
				require.NoError(t, err)
				return text
			}
			_, err := infra.Follow(render(declared.declared), render(declared.installed))
			if declared.names == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "which only a person may")
			assert.Contains(t, errs.HintOf(err), "generator bootstrap")
			for _, resource := range declared.names {
				assert.ErrorContains(t, err, resource)
			}
		})
	}
}

// edited changes the resources of a rendered template.
func edited(t *testing.T, p pipeline, edit func(resources map[string]any)) []byte {
	t.Helper()
	template, err := infra.Template(p.cfg, p.place)
	require.NoError(t, err)
	var content map[string]any
	require.NoError(t, json.Unmarshal(template, &content))
	edit(content["Resources"].(map[string]any))
	text, err := json.Marshal(content)
	require.NoError(t, err)
	return text
}

func properties(resources map[string]any, id string) map[string]any {
	return resources[id].(map[string]any)["Properties"].(map[string]any)
}

// anything is a policy that allows everything.
var anything = map[string]any{"Version": "2012-10-17", "Statement": map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*"}}

// widenings are changes of the stack that would let code of the repository into an
// account, or anyone into the bucket.
var widenings = map[string]func(r map[string]any){
	"trust of a deployment": func(r map[string]any) {
		properties(r, "DeployerRole222222222222")["AssumeRolePolicyDocument"] = trusts(home)
	},
	"trust of a deployment of its own account": func(r map[string]any) {
		properties(r, "DeployerRole111111111111")["AssumeRolePolicyDocument"] = trusts(home)
	},
	"policy of a role": func(r map[string]any) {
		properties(r, "PipelineRole")["Policies"] = []any{map[string]any{"PolicyName": "pipeline", "PolicyDocument": anything}}
	},
	"policy that looks into accounts": func(r map[string]any) { properties(r, "Lookups")["PolicyDocument"] = anything },
	"policy of all deployments":       func(r map[string]any) { properties(r, "Deployments")["PolicyDocument"] = anything },
	"boundary":                        func(r map[string]any) { properties(r, "Boundary")["PolicyDocument"] = anything },
	"boundary of a role":              func(r map[string]any) { delete(properties(r, "PipelineRole"), "PermissionsBoundary") },
	"role of the stack": func(r map[string]any) {
		properties(r, "UpdaterRole")["Policies"] = []any{map[string]any{"PolicyName": "pipeline", "PolicyDocument": anything}}
	},
	"another role": func(r map[string]any) {
		r["Mine"] = map[string]any{"Type": "AWS::IAM::Role", "Properties": map[string]any{
			"RoleName": "mine", "AssumeRolePolicyDocument": trusts(home), "Policies": []any{map[string]any{"PolicyName": "p", "PolicyDocument": anything}},
		}}
	},
	"policy of the bucket": func(r map[string]any) {
		properties(r, "ArtifactBucketPolicy")["PolicyDocument"] = map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"AWS": prod}, "Action": "s3:*", "Resource": "arn:aws:s3:::shop-artifacts/*",
		}}}
	},
}

// trusts is a trust policy that lets all of an account in.
func trusts(account string) map[string]any {
	return map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Principal": map[string]any{"AWS": account}, "Action": "sts:AssumeRole"}}}
}

const devAndProd = devOnly + `  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Api}]}` + "\n"

// entering is what a widening is for.
func (c cloud) entering(p pipeline) map[string]func(*testing.T) error {
	update := c.as(p, p.names.UpdaterRole, p.names.Updater)
	return map[string]func(*testing.T) error{
		"prod":                           assume(update, bootstrapRole("deploy", prod)),
		"home":                           assume(update, bootstrapRole("deploy", home)),
		"a foreign account's role":       assume(update, "arn:aws:iam::222222222222:role/SomebodyElses"),
		"the role of a deployment":       assume(update, p.place.RoleARN(p.names.DeployerRole(p.access(c.t, prod)))),
		"the role of another deployment": assume(update, p.place.RoleARN(p.names.DeployerRole(p.access(c.t, home)))),
		"its own role":                   assume(update, p.place.RoleARN("mine")),
		"another stack":                  create(update, "app"),
		"the secrets of others":          read(update, "of-another-team"),
		"the state of an environment":    put(update, p.place.Bucket, "metadata/deployed/prod.json"),
		"the bucket from elsewhere":      put(c.admin(prod), p.place.Bucket, commit+"/b.tar.zst"),
	}
}

// TestWhoeverHoldsTheUpdateCannotWidenIt performs the attack with the credentials of the
// update (T13, P6): it changes the stack with any template, and enters afterwards.
func TestWhoeverHoldsTheUpdateCannotWidenIt(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	addSecret(t, c, "of-another-team")
	for name, widen := range widenings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cloud{c.Server, t}
			p := configured(t, strings.ReplaceAll(name, " ", "-"), devAndProd)
			c.install(p)
			_, err := c.updateAs(p, edited(t, p, widen))
			require.ErrorContains(t, err, "not authorized to perform")
			for what, enter := range c.entering(p) {
				err := enter(t)
				assert.True(t, denied(err), "%s: %v", what, err)
			}
		})
	}
}

// TestALooseRoleOfTheStackWouldLetTheUpdateIn shows that the same attacks succeed if the
// role of the stack may do anything, so that the test above can fail.
func TestALooseRoleOfTheStackWouldLetTheUpdateIn(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	p := configured(t, "shop", devAndProd)
	addSecret(t, c, "of-another-team")
	c.installTemplate(p, edited(t, p, widenings["role of the stack"]))
	_, err := c.updateAs(p, edited(t, p, func(r map[string]any) {
		for _, widen := range widenings {
			widen(r)
		}
	}))
	require.NoError(t, err)
	for what, enter := range c.entering(p) {
		assert.NoError(t, enter(t), what)
	}
}

func TestAStolenPipelineCreatesNothingElse(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	for name, edit := range map[string]func(map[string]any){
		"the-role-of-the-stack-is-changed": func(r map[string]any) { properties(r, "UpdaterRole")["Description"] = "other" },
		"a-bucket-is-made":                 func(r map[string]any) { r["Mine"] = map[string]any{"Type": "AWS::S3::Bucket"} },
		"a-parameter-is-written": func(r map[string]any) {
			r["Mine"] = map[string]any{"Type": "AWS::SSM::Parameter", "Properties": map[string]any{"Type": "String", "Value": "x"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cloud{c.Server, t}
			p := configured(t, name, devOnly)
			c.install(p)
			_, err := c.updateAs(p, edited(t, p, edit))
			require.ErrorContains(t, err, "not authorized to perform")
		})
	}
}

// TestTheRepositorysOwnStackIsDeployedWithARoleThatGivesNoPermissions deploys stacks as the
// update of a pipeline with a pipelineStack does, and as whoever holds its credentials can.
func TestTheRepositorysOwnStackIsDeployedWithARoleThatGivesNoPermissions(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	with, without := configured(t, "shop", devOnly+"pipelineStack: {name: Own, path: pipeline}\n"), configured(t, "market", devOnly)
	c.install(with)
	c.install(without)
	deploy := func(p pipeline, stack, role, resource string) error {
		_, err := cfn.Deploy(t.Context(), cloudformation.NewFromConfig(c.as(p, p.names.UpdaterRole, p.names.Updater)), cfn.Goal{
			Name: stack, Template: []byte(`{"Resources":{` + resource + `}}`), ExecutionRole: p.place.RoleARN(role),
		}, cfn.Options{})
		return err
	}
	parameter := `"P":{"Type":"AWS::SSM::Parameter","Properties":{"Type":"String","Value":"x"}}`
	role := parameter + `,"R":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + home + `"},"Action":"sts:AssumeRole"}]}}}`
	require.NoError(t, deploy(with, "Own", with.names.OwnStackRole, parameter))
	require.ErrorContains(t, deploy(with, "Own", with.names.OwnStackRole, role), "not authorized to perform")
	assert.True(t, denied(deploy(with, "Other", with.names.OwnStackRole, parameter)), "another stack")
	err := deploy(with, "Own", "cdk-hnb659fds-cfn-exec-role-"+home+"-"+region, parameter+`,"Q":{"Type":"AWS::SSM::Parameter","Properties":{"Type":"String","Value":"y"}}`)
	require.ErrorContains(t, err, "not authorized to perform: cloudformation:CreateChangeSet", "the execution role of the bootstrap")
	assert.True(t, denied(assume(c.as(with, with.names.UpdaterRole, with.names.Updater), bootstrapRole("deploy", home))(t)))
	assert.NoError(t, assume(c.as(with, with.names.UpdaterRole, with.names.Updater), bootstrapRole("file-publishing", home))(t))

	assert.True(t, denied(deploy(without, "Own", without.names.StackRole, parameter)), "a pipeline without such a stack")
	assert.True(t, denied(assume(c.as(without, without.names.UpdaterRole, without.names.Updater), bootstrapRole("file-publishing", home))(t)))
}

// TestTheUpdateUsesNoRoleThatAStackHadBefore is about a pipelineStack that a person deployed with
// the execution role of the bootstrap, as the CDK CLI does: without a role, CloudFormation
// uses that one again, whether or not the caller may pass it.
func TestTheUpdateUsesNoRoleThatAStackHadBefore(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	p := configured(t, "shop", devOnly+"pipelineStack: {name: Own, path: pipeline}\n")
	c.install(p)
	deploy := func(as aws.Config, role, resource string) error {
		_, err := cfn.Deploy(t.Context(), cloudformation.NewFromConfig(as), cfn.Goal{Name: "Own", Template: []byte(`{"Resources":{` + resource + `}}`), ExecutionRole: role}, cfn.Options{})
		return err
	}
	topic := `"T":{"Type":"AWS::SNS::Topic"}`
	role := topic + `,"R":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + home + `"},"Action":"sts:AssumeRole"}]}}}`
	require.NoError(t, deploy(c.admin(home), p.place.RoleARN("cdk-hnb659fds-cfn-exec-role-"+home+"-"+region), topic))
	require.ErrorContains(t, deploy(c.as(p, p.names.UpdaterRole, p.names.Updater), "", role), "not authorized to perform: cloudformation:CreateChangeSet")
}
