package plan_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

func shop() *config.Config {
	return &config.Config{
		GithubHost: "github.com", GithubOwner: "my-org", GithubRepo: "My_Shop.js", GithubBranch: "main", ClusterName: "company",
		WorkflowTemplateName: "shop", EventSourceName: "shop-github", SensorName: "shop-sensor",
		ServiceAccountName: "shop-deployer", ArgoNamespace: "argo", ArgoEventsNamespace: "argo-events",
	}
}

func named(change func(*config.Config)) plan.Names {
	cfg := shop()
	change(cfg)
	return plan.NamesOf(cfg, place())
}

// inAWS are the fields of plan.Names that name something in the AWS account.
func inAWS(names plan.Names) map[string]string {
	all := map[string]string{}
	for _, field := range []string{"Stack", "RecorderRole", "ValidatorRole", "BuilderRole", "UpdaterRole", "ReconcilerRole", "StackRole", "OwnStackRole", "Boundary", "Secret"} {
		all[field] = reflect.ValueOf(names).FieldByName(field).String()
	}
	for _, access := range accesses() {
		all["DeployerRole "+access.ID()] = names.DeployerRole(access)
	}
	return all
}

// accesses are one by the bootstrap of an account, and two by roles of it.
func accesses() []plan.Access {
	return []plan.Access{
		{Account: "222222222222", Qualifiers: []string{"hnb659fds"}},
		{Account: "222222222222", RoleARN: "arn:aws:iam::222222222222:role/one"},
		{Account: "222222222222", RoleARN: "arn:aws:iam::222222222222:role/two"},
	}
}

// others are changes that make another pipeline of the shop's.
var others = map[string]func(*config.Config){
	"another branch":     func(c *config.Config) { c.GithubBranch = "next" },
	"another repository": func(c *config.Config) { c.GithubRepo = "my-shop-js" },
	"another owner":      func(c *config.Config) { c.GithubOwner = "other" },
}

func TestTwoPipelinesOfOneAccountShareNoNameInAWS(t *testing.T) {
	one := named(func(*config.Config) {})
	for what, change := range others {
		other := named(change)
		assert.NotEqual(t, one.Pipeline, other.Pipeline, what)
		for field, name := range inAWS(other) {
			assert.NotEqual(t, inAWS(one)[field], name, "%s: %s", what, field)
		}
	}
	cluster := named(func(c *config.Config) { c.ClusterName = "other" })
	assert.NotEqual(t, one.Stack, cluster.Stack, "the same repository may be deployed by two clusters")
}

func TestAPipelineStaysTheSameWhenItsObjectsAreRenamed(t *testing.T) {
	renamed := named(func(c *config.Config) {
		c.WorkflowTemplateName, c.SensorName, c.ServiceAccountName, c.ArgoNamespace, c.EventSourceName = "new", "new", "new", "new", "new"
	})
	assert.Equal(t, named(func(*config.Config) {}).Pipeline, renamed.Pipeline)
	assert.Equal(t, inAWS(named(func(*config.Config) {})), inAWS(renamed), "nothing is left behind in AWS")
	assert.Regexp(t, `^my_shop\.js-[0-9a-f]{8}$`, renamed.Pipeline)
	assert.Regexp(t, `^aphex-my-shop-js-[0-9a-f]{8}$`, renamed.Stack)
	assert.Equal(t, renamed.Pipeline, named(func(c *config.Config) { c.GithubOwner = "MY-ORG" }).Pipeline, "GitHub ignores case")
}

func TestNamesKeepTheLimitsOfAWSAndKubernetes(t *testing.T) {
	for _, repository := range []string{"", strings.Repeat("-", 99) + "r", strings.Repeat("r", 100), "___", "aphex-", "a.b_c", strings.Repeat("a.", 50)} {
		names := named(func(c *config.Config) {
			c.WorkflowTemplateName, c.GithubRepo, c.ServiceAccountName = strings.Repeat("t", 52), repository, strings.Repeat("s", 63)
		})
		checkLimits(t, names)
	}
}

func checkLimits(t *testing.T, names plan.Names) {
	t.Helper()
	known := map[string]bool{}
	for what, role := range inAWS(names) {
		if strings.Contains(what, "Role") {
			assert.LessOrEqual(t, len(role), 64, role)
		}
		assert.False(t, known[role], "%s is the name of two", role)
		known[role] = true
	}
	for _, access := range accesses() {
		account := names.Deployer(access)
		assert.LessOrEqual(t, len(account), 63, account)
		assert.False(t, known[account], account)
		known[account] = true
	}
	assert.LessOrEqual(t, len(names.Stack), 128)
	assert.Regexp(t, `^aphex(-[a-z0-9]+)+$`, strings.ReplaceAll(names.Stack, "--", "-"))
	assert.Regexp(t, `^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$`, names.Pipeline)
}

func TestARoleIsNamedInThePartitionOfThePipeline(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1":     "arn:aws:iam::111111111111:role/r",
		"us-gov-west-1": "arn:aws-us-gov:iam::111111111111:role/r",
		"cn-north-1":    "arn:aws-cn:iam::111111111111:role/r",
	} {
		assert.Equal(t, want, plan.Place{Account: "111111111111", Region: region}.RoleARN("r"))
	}
}

func TestAPipelineIsInTheGivenPlaceElseInThatOfItsFirstEnvironment(t *testing.T) {
	cfg := &config.Config{ArtifactBucketName: "b", Environments: []config.Environment{
		{Account: "111111111111", Region: "eu-west-1"}, {Account: "222222222222", Region: "us-east-1"},
	}}
	assert.Equal(t, plan.Place{Account: "111111111111", Region: "eu-west-1", Bucket: "b", Config: "c.yaml"}, plan.PlaceOf(cfg, "", "", "c.yaml"))
	assert.Equal(t, plan.Place{Account: "333333333333", Region: "eu-west-1", Bucket: "b", Config: "c.yaml"}, plan.PlaceOf(cfg, "333333333333", "", "c.yaml"))
	assert.Equal(t, plan.Place{Account: "111111111111", Region: "eu-north-1", Bucket: "b", Config: "c.yaml"}, plan.PlaceOf(cfg, "", "eu-north-1", "c.yaml"))
}
