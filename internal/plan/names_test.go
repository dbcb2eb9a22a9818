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
		GithubOwner: "my-org", GithubRepo: "My_Shop.js", GithubBranch: "main", ClusterName: "company",
		WorkflowTemplateName: "shop", EventSourceName: "shop-github", SensorName: "shop-sensor",
		ServiceAccountName: "shop-deployer", ArgoNamespace: "argo", ArgoEventsNamespace: "argo-events",
	}
}

func named(change func(*config.Config)) plan.Names {
	cfg := shop()
	change(cfg)
	return plan.NamesOf(cfg, place())
}

func TestTwoPipelinesOfOneAccountShareNoNameInAWS(t *testing.T) {
	one := reflect.ValueOf(named(func(*config.Config) {}))
	for what, change := range map[string]func(*config.Config){
		"another template":  func(c *config.Config) { c.WorkflowTemplateName = "shop2" },
		"another cluster":   func(c *config.Config) { c.ClusterName = "other" },
		"another namespace": func(c *config.Config) { c.ArgoNamespace = "workflows" },
	} {
		other := reflect.ValueOf(named(change))
		for _, field := range []string{"Stack", "DeployerRole", "BuilderRole", "WatcherRole", "UpdaterRole", "Boundary", "Secret"} {
			assert.NotEqual(t, one.FieldByName(field).String(), other.FieldByName(field).String(), "%s: %s", what, field)
		}
	}
}

func TestAPipelineStaysTheSameWhenItsObjectsAreRenamed(t *testing.T) {
	renamed := named(func(c *config.Config) {
		c.WorkflowTemplateName, c.SensorName, c.ServiceAccountName, c.ArgoNamespace = "new", "new", "new", "new"
	})
	assert.Equal(t, named(func(*config.Config) {}).Pipeline, renamed.Pipeline)
	assert.Regexp(t, `^my_shop\.js-[0-9a-f]{8}$`, renamed.Pipeline)

	for what, change := range map[string]func(*config.Config){
		"another branch":     func(c *config.Config) { c.GithubBranch = "next" },
		"another repository": func(c *config.Config) { c.GithubRepo = "other" },
		"another owner":      func(c *config.Config) { c.GithubOwner = "other" },
	} {
		assert.NotEqual(t, renamed.Pipeline, named(change).Pipeline, what)
	}
	assert.Equal(t, renamed.Pipeline, named(func(c *config.Config) { c.GithubOwner = "MY-ORG" }).Pipeline, "GitHub ignores case")
}

func TestNamesKeepTheLimitsOfAWSAndKubernetes(t *testing.T) {
	names := named(func(c *config.Config) {
		c.WorkflowTemplateName, c.GithubRepo = strings.Repeat("t", 52), strings.Repeat("-", 99)+"r"
	})
	for _, role := range []string{names.DeployerRole, names.BuilderRole, names.WatcherRole, names.UpdaterRole} {
		assert.LessOrEqual(t, len(role), 64, role)
	}
	assert.LessOrEqual(t, len(names.Stack), 128)
	assert.Regexp(t, `^[a-z][a-z0-9-]*$`, names.Stack)
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
