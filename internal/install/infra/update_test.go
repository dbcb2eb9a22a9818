package infra_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
)

// updateAs updates the pipeline's AWS stack with a template, as the deployer does in a run.
func (c cloud) updateAs(p pipeline, template []byte) (cfn.Result, error) {
	c.t.Helper()
	deploy := c.as(p, p.names.DeployerRole, p.names.Deployer)
	return cfn.Deploy(c.t.Context(), cloudformation.NewFromConfig(deploy), cfn.Goal{
		Name: p.names.Stack, Template: template, ExecutionRole: p.place.RoleARN(p.names.UpdaterRole), Tags: infra.Tags(p.names),
	}, cfn.Options{})
}

func TestACommitThatAddsAnEnvironmentAddsThePermissionToAssumeItsRoles(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	before := configured(t, "shop", devOnly)
	c.install(before)
	assert.True(t, denied(assume(c.as(before, before.names.DeployerRole, before.names.Deployer), bootstrapRole("deploy", prod))(t)))

	after := configured(t, "shop", devOnly+`  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Api}]}`+"\n")
	template, err := infra.Template(after.cfg, after.place)
	require.NoError(t, err)
	result, err := c.updateAs(before, template)
	require.NoError(t, err)
	assert.Equal(t, cfn.Updated, result.Action)
	assert.NoError(t, assume(c.as(after, after.names.DeployerRole, after.names.Deployer), bootstrapRole("deploy", prod))(t))

	result, err = c.updateAs(after, template)
	require.NoError(t, err)
	assert.Equal(t, cfn.Unchanged, result.Action)
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

// TestAStolenPipelineStaysWithinTheBoundary is about stolen credentials, which allow
// updates of the stack with any template.
func TestAStolenPipelineStaysWithinTheBoundary(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	p := configured(t, "shop", devOnly)
	c.install(p)
	addSecret(t, c, "of-another-team")
	_, err := c.updateAs(p, edited(t, p, func(r map[string]any) { properties(r, "EntrancePolicy1")["PolicyDocument"] = anything }))
	require.NoError(t, err, "the policy can be changed")
	deploy := c.as(p, p.names.DeployerRole, p.names.Deployer)
	assert.True(t, denied(create(deploy, "anything")(t)), "but it grants nothing beyond the boundary")
	assert.True(t, denied(read(deploy, "of-another-team")(t)))
	assert.True(t, denied(read(deploy, p.names.Secret)(t)))
}

func TestAStolenPipelineCreatesNothingElse(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	for name, edit := range map[string]func(map[string]any){
		"the-boundary-is-widened": func(r map[string]any) { properties(r, "Boundary")["PolicyDocument"] = anything },
		"the-updater-is-changed":  func(r map[string]any) { properties(r, "UpdaterRole")["Description"] = "other" },
		"a-role-is-made": func(r map[string]any) {
			r["Mine"] = map[string]any{"Type": "AWS::IAM::Role", "Properties": map[string]any{"AssumeRolePolicyDocument": anything}}
		},
		"a-bucket-is-made": func(r map[string]any) { r["Mine"] = map[string]any{"Type": "AWS::S3::Bucket"} },
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
