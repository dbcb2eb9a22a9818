package infra_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awsauth/bootstrap"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

var update = flag.Bool("update", false, "write the golden files")

// configurations is the folder of the golden configurations.
const configurations = "../../argo/testdata/golden/"

func placeOf(cfg *config.Config) plan.Place {
	first := cfg.Environments[0]
	at := plan.Place{Account: first.Account, Region: first.Region, Bucket: cfg.ArtifactBucketName, Config: config.File}
	if at.Bucket == "" {
		at.Bucket = "aphex-pipeline-artifacts-" + at.Account + "-" + at.Region
	}
	return at
}

func load(t *testing.T, name string) (*config.Config, plan.Place) {
	t.Helper()
	cfg, err := config.Load(filepath.Join(configurations, name, config.File))
	require.NoError(t, err)
	return cfg, placeOf(cfg)
}

func TestConfigurationsRenderTheirGoldenTemplates(t *testing.T) {
	for _, name := range []string{"one-environment", "twelve-environments", "own-names", "gov-cloud", "china", "own-pipeline-stack", "own-ingress"} {
		t.Run(name, func(t *testing.T) {
			cfg, at := load(t, name)
			text, err := infra.Template(cfg, at)
			require.NoError(t, err)
			var got bytes.Buffer
			require.NoError(t, json.Indent(&got, text, "", "  "))
			got.WriteByte('\n')
			file := filepath.Join("testdata", name+".json")
			if *update {
				require.NoError(t, os.WriteFile(file, got.Bytes(), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), got.String(), "run `make golden`, and review the difference")
		})
	}
}

func TestTheSameConfigurationRendersTheSameTemplate(t *testing.T) {
	cfg, at := load(t, "twelve-environments")
	first, err := infra.Template(cfg, at)
	require.NoError(t, err)
	for range 20 {
		again, err := infra.Template(cfg, at)
		require.NoError(t, err)
		require.Equal(t, string(first), string(again))
	}
}

// spread makes a configuration with one environment in each of several accounts.
func spread(t *testing.T, accounts int) (*config.Config, plan.Place) {
	t.Helper()
	text := "version: \"1.0\"\ngithubOwner: o\ngithubRepo: r\nclusterName: c\nenvironments:\n"
	for i := range accounts {
		text += fmt.Sprintf("  - {name: e%d, account: \"%012d\", region: eu-west-1, stacks: [{name: S}]}\n", i, 100000000000+i)
	}
	cfg, err := config.Parse(config.File, []byte(text))
	require.NoError(t, err)
	return cfg, placeOf(cfg)
}

func TestEachAccountHasARoleAndNoPolicyExceedsTheLimitsOfIAM(t *testing.T) {
	cfg, at := spread(t, 27)
	text, err := infra.Template(cfg, at)
	require.NoError(t, err)
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				RoleName       string
				PolicyDocument json.RawMessage
				Policies       []struct{ PolicyDocument json.RawMessage }
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &template))
	names := map[string]bool{}
	for id, resource := range template.Resources {
		if resource.Type == "AWS::IAM::ManagedPolicy" {
			assert.LessOrEqual(t, len(resource.Properties.PolicyDocument), 6144, id)
		}
		size := 0
		for _, policy := range resource.Properties.Policies {
			size += len(policy.PolicyDocument)
		}
		assert.LessOrEqual(t, size, 10240, "of all inline policies of %s", id)
		if strings.HasPrefix(id, "DeployerRole") {
			names[resource.Properties.RoleName] = true
			assert.Equal(t, 4, strings.Count(string(resource.Properties.Policies[0].PolicyDocument), ":role/cdk-"), id)
		}
	}
	assert.Len(t, names, 27)
}

func TestTheRolesOfEveryBootstrapThatAnEnvironmentNamesMayBeAssumedAndNoOther(t *testing.T) {
	cfg, err := config.Parse(config.File, []byte(`version: "1.0"
githubOwner: o
githubRepo: r
clusterName: c
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, regions: [eu-north-1, us-east-1], bootstrapQualifiers: [shop, other], stacks: [{name: S}]}
  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: S}]}
`))
	require.NoError(t, err)
	text, err := infra.Template(cfg, placeOf(cfg))
	require.NoError(t, err)
	count := func(role string) int { return strings.Count(string(text), role) }
	for _, qualifier := range []string{"shop", "other"} {
		assert.Equal(t, 1, count("111111111111:role/cdk-"+qualifier+"-deploy-role-111111111111-*"))
		assert.Equal(t, 2, count("111111111111:role/cdk-"+qualifier+"-lookup-role-111111111111-*"), "of the deployment, and of those who only look")
	}
	assert.Zero(t, count("111111111111:role/cdk-"+bootstrap.DefaultQualifier))
	assert.Equal(t, 5, count("222222222222:role/cdk-"+bootstrap.DefaultQualifier), "four roles, and the one for lookups again")
	assert.Zero(t, count("222222222222:role/cdk-shop"))
	assert.Equal(t, []string{bootstrap.DefaultQualifier}, config.Environment{}.Qualifiers())
}

func TestAPipelineHasRoomForTheAccountsThatAWSHasRoomFor(t *testing.T) {
	for _, c := range []struct {
		accounts, policies int
		published          bool // too large to send inline
	}{{1, 1, false}, {24, 1, false}, {25, 1, true}, {50, 1, true}, {100, 2, true}, {200, 3, true}, {482, 6, true}} {
		cfg, at := spread(t, c.accounts)
		text, err := infra.Template(cfg, at)
		require.NoError(t, err, "%d accounts", c.accounts)
		assert.Equal(t, c.published, len(text) > cfn.MaxInline, "%d accounts have %d bytes", c.accounts, len(text))
		assert.Less(t, len(text), 1_000_000)
		var template struct {
			Resources map[string]struct {
				Type       string
				Properties struct{ PolicyDocument json.RawMessage }
			}
		}
		require.NoError(t, json.Unmarshal(text, &template))
		assert.LessOrEqual(t, len(template.Resources), 500)
		lookups, roles := 0, 0
		for id, resource := range template.Resources {
			if strings.HasPrefix(id, "Lookups") {
				lookups++
				roles += strings.Count(string(resource.Properties.PolicyDocument), ":role/cdk-")
				assert.LessOrEqual(t, len(resource.Properties.PolicyDocument), 6144, id)
			}
		}
		assert.Equal(t, c.policies, lookups, "%d accounts", c.accounts)
		assert.Equal(t, c.accounts, roles, "each can be looked into")
		first, err := infra.BucketTemplate(cfg, at)
		require.NoError(t, err)
		assert.Less(t, len(first), cfn.MaxInline)
	}
}

func TestTooManyAccountsAreReportedBeforeAWSReportsThem(t *testing.T) {
	cfg, at := spread(t, 490)
	_, err := infra.Template(cfg, at)
	require.ErrorContains(t, err, "the environments use 490 accounts and roles, for which the template of stack")
	require.ErrorContains(t, err, " resources; the limit of CloudFormation is 500")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Regexp(t, `move the environments of at least \d of them`, errs.HintOf(err))

	for i := range cfg.Environments { // the stack has the ARN of each role as an output
		cfg.Environments[i].RoleARN = fmt.Sprintf("arn:aws:iam::%s:role/deploy", cfg.Environments[i].Account)
	}
	cfg.Environments = cfg.Environments[:200]
	_, err = infra.Template(cfg, at)
	require.ErrorContains(t, err, "has 205 outputs; the limit of CloudFormation is 200")

	cfg, at = spread(t, 200)
	for i := range cfg.Environments {
		for q := range 4 {
			cfg.Environments[i].BootstrapQualifiers = append(cfg.Environments[i].BootstrapQualifiers, fmt.Sprintf("long%06d", q))
		}
	}
	_, err = infra.Template(cfg, at)
	require.ErrorContains(t, err, "have 1000 bootstraps to look into, for which a role needs")
}

// A commit that adds the account for which another policy is needed waits for a person with
// this account alone.
func TestAnAccountMoreChangesNoRoleOfThoseWhoLookIntoAccounts(t *testing.T) {
	roles := func(accounts int) map[string]json.RawMessage {
		cfg, at := spread(t, accounts)
		text, err := infra.Template(cfg, at)
		require.NoError(t, err)
		var template struct{ Resources map[string]json.RawMessage }
		require.NoError(t, json.Unmarshal(text, &template))
		return template.Resources
	}
	few, many := roles(50), roles(100)
	assert.NotContains(t, few, "Lookups2")
	assert.Contains(t, many, "Lookups2")
	for _, id := range []string{"ValidatorRole", "PipelineRole"} {
		assert.JSONEq(t, string(few[id]), string(many[id]), id)
		assert.Contains(t, string(many["Lookups2"]), id)
	}
}

func TestNoSecretIsAnOutput(t *testing.T) {
	cfg, at := load(t, "own-names")
	text, err := infra.Template(cfg, at)
	require.NoError(t, err)
	var template struct {
		Outputs map[string]struct {
			Value  json.RawMessage
			Export struct{ Name map[string]string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &template))
	require.Len(t, template.Outputs, 5)
	for name, output := range template.Outputs {
		assert.NotContains(t, string(output.Value), "WebhookSecret", name)
		assert.NotContains(t, string(output.Value), "resolve:", name)
		assert.Equal(t, "${AWS::StackName}-"+name, output.Export.Name["Fn::Sub"])
	}
}

func TestNoActionAndNoResourceOfAPolicyIsAWildcard(t *testing.T) {
	cfg, at := load(t, "twelve-environments")
	text, err := infra.Template(cfg, at)
	require.NoError(t, err)
	for _, never := range []string{`"iam:*"`, `"sts:*"`, `"cloudformation:*"`, `"*:*"`, `"secretsmanager:*"`} {
		assert.NotContains(t, string(text), never)
	}
	assert.Equal(t, 1, strings.Count(string(text), `"s3:*"`), "only to deny requests without TLS")
}

func TestArtifactsExpireAndRecordsAndTheStateOfEnvironmentsDoNot(t *testing.T) {
	cfg, at := load(t, "one-environment")
	text, err := infra.Template(cfg, at)
	require.NoError(t, err)
	var template struct {
		Resources struct {
			ArtifactBucket struct {
				Properties struct {
					LifecycleConfiguration struct {
						Rules []struct {
							Prefix           string
							ExpirationInDays int
						}
					}
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &template))
	for key, want := range map[string]bool{
		"0123456789abcdef0123456789abcdef01234567/dev/outputs.json": true, "fedcba9876543210fedcba9876543210fedcba98/x.tar.zst": true,
		"metadata/workflows/shop-1/build.json": false, "metadata/workflows/shop-1.json": false, "metadata/stacks/dev.json": false, "metadata/deployed/dev.json": false, "metadata/durations/dev.json": false,
	} {
		expires := false
		for _, rule := range template.Resources.ArtifactBucket.Properties.LifecycleConfiguration.Rules {
			expires = expires || rule.ExpirationInDays > 0 && strings.HasPrefix(key, rule.Prefix)
		}
		assert.Equal(t, want, expires, key)
	}
}
