package conformance_test

import (
	"cmp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly/assemblytest"
)

// bad is an app, or a world around it, with one thing wrong.
type bad struct {
	name    string
	shape   string // what apps/broken does wrong
	account string // of the environment; dev's when empty
	region  string // of the environment; Ireland when empty
	faults  []awssim.Rule
	code    int
	says    []string
}

// Exit codes: 1 is the user's app or stack, 2 the input or the configuration.
var badInputs = []bad{
	{name: "a newer schema", shape: "schema", code: 2, says: []string{"999.0.0", "newer"}},
	{name: "a missing template", shape: "template", code: 2, says: []string{`the CDK app in the root of the repository: stack \"Two\": template: \"Two.template.json\" is missing`}},
	{name: "an asset outside of the assembly", shape: "outside", code: 2, says: []string{"etc/passwd", `asset \"readme\"`, "outside of the cloud assembly"}},
	{name: "a template outside of the assembly", shape: "template-outside", code: 2, says: []string{"One", "template", "etc/hostname", "outside of the cloud assembly"}},
	{name: "a template that is a link out of the assembly", shape: "template-link", code: 2, says: []string{"Two", "Two.template.json", "cannot be used from the cloud assembly"}},
	{name: "an asset manifest outside of the assembly", shape: "list-outside", code: 2, says: []string{"One.assets", "etc/hostname", "outside of the cloud assembly"}},
	{name: "a notification ARN that no topic has", shape: "topic", code: 2, says: []string{"stack Two: notification ARN arn:aws:sns:eu-west-1::no-account is not a valid ARN of an SNS topic"}},
	{name: "a stack tag that is a token", shape: "tag", code: 2, says: []string{`stack tag \"Instance\" is a token`, "excludeResourceTypes"}},
	{name: "circular dependencies", shape: "circle", code: 2, says: []string{"circular dependency: One -> Two -> One"}},
	{name: "a manifest that is not JSON", shape: "json", code: 2, says: []string{"the root of the repository: manifest.json: unexpected end of JSON input", "synthesize the app again"}},
	{name: "an app that ends well without an assembly", shape: "nothing", code: 1, says: []string{"wrote no cloud assembly", "app.synth()"}},
	{name: "an app that prints secrets", shape: "secrets", code: 1, says: []string{"cannot log in with [redacted]", "token [redacted]"}},
	{name: "an app that needs lookups", shape: "missing", code: 2, says: []string{"parameterName=/shop/vpc", "cdk.context.json"}},
	{name: "an app for another account", shape: "account", code: 2, says: []string{"333333333333", "111111111111"}},
	{name: "the configuration of another account", shape: "good", account: "333333333333", code: 2, says: []string{"333333333333", "bootstrap"}},
	{name: "a region that is off", shape: "good", code: 2, says: []string{"eu-west-1", "that the region is enabled for the account"}, faults: []awssim.Rule{off("sts", "RegionDisabledException",
		"STS is not activated in this region for account:111111111111. Your account administrator can activate STS in this region using the IAM Console.")}},
	{name: "a region that is off and does not say so", shape: "good", code: 2, says: []string{"eu-west-1", "that the region is enabled for the account"}, faults: []awssim.Rule{
		off("sts", "InvalidClientTokenId", "The security token included in the request is invalid."),
	}},
	{name: "a stack in a region that is off", shape: "good", region: virginia, code: 2, says: []string{"eu-west-1", "check that the region is enabled for the account"}, faults: []awssim.Rule{
		off("ssm", "UnrecognizedClientException", "The security token included in the request is invalid."),
		off("cloudformation", "InvalidClientTokenId", "The security token included in the request is invalid."),
	}},
	{name: "a region that is off, without a bootstrap", shape: "bare", region: virginia, code: 2, says: []string{
		"AWS in region eu-west-1 does not accept the credentials of account 111111111111: InvalidClientTokenId", "check that the region is enabled for the account",
	}, faults: []awssim.Rule{off("cloudformation", "InvalidClientTokenId", "The security token included in the request is invalid.")}},
	{name: "a bucket in a region that is off", shape: "bare", region: virginia, code: 2, says: []string{
		"AWS in region eu-west-1 does not accept the credentials of account 111111111111: InvalidToken", "check that the region is enabled for the account",
	}, faults: []awssim.Rule{off("s3", "InvalidToken", "The provided token is malformed or otherwise invalid.")}},
}

// off refuses all calls of a service in the environment's region.
func off(service, code, message string) awssim.Rule {
	return awssim.Rule{Service: service, Region: ireland, Kind: awssim.Refuse, Status: 403, Code: code, Message: message}
}

func TestBadInputIsExplainedAndNothingIsDeployed(t *testing.T) {
	c := newCloud(t)
	for _, b := range badInputs {
		t.Run(b.name, func(t *testing.T) {
			c.ForgetCalls()
			c.environ = []string{"SHAPE=" + b.shape}
			app := assemblytest.App(t, "apps/broken")
			configure(t, app, cmp.Or(b.account, dev), cmp.Or(b.region, ireland), "One", "Two")
			for _, rule := range b.faults {
				c.Fail(rule)
			}
			defer c.Heal()
			printed, code := c.deployer(app)
			assert.Equal(t, b.code, code, printed)
			for _, words := range b.says {
				assert.Contains(t, printed, words)
			}
			assert.NotRegexp(t, `/deploy-\d|https response error`, printed, "neither deleted folders nor the SDK's wrapping are printed")
			assertNothingDeployed(t, c)
			assertNoSecrets(t, c, printed)
		})
	}
}

// assertNothingDeployed holds that not even a change set was made.
func assertNothingDeployed(t *testing.T, c *cloud) {
	t.Helper()
	for _, record := range c.History() {
		assert.NotContains(t, []string{"CreateChangeSet", "CreateStack", "UpdateStack", "PutObject", "PutImage"}, record.Operation)
	}
}

// assertNoSecrets holds that nothing was printed that could be used.
func assertNoSecrets(t *testing.T, c *cloud, printed string) {
	t.Helper()
	require.NotContains(t, printed, c.AddAccount(dev).SecretAccessKey)
	for _, prefix := range []string{"ghp_a1B2", "ghp_Z9y8", "AKIAIOSFODNN7EXAMPLE"} {
		assert.False(t, strings.Contains(printed, prefix), "%s was printed", prefix)
	}
}

func TestAGoodAppMadeByHandIsDeployed(t *testing.T) {
	c := newCloud(t)
	c.environ = []string{"SHAPE=good", "CDK_VALIDATION=false"}
	app := assemblytest.App(t, "apps/broken")
	configure(t, app, dev, ireland, "One", "Two")
	printed, code := c.deployer(app)
	require.Zero(t, code, printed)
	assert.Equal(t, 2, c.Calls()["cloudformation:ExecuteChangeSet"])
}
