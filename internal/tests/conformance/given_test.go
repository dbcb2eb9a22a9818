package conformance_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly/assemblytest"
)

// configureValues writes our configuration of the app in apps/given, with more keys for its environment.
func configureValues(t *testing.T, app, more string) {
	t.Helper()
	writeFile(t, filepath.Join(app, "aphex-config.yaml"), fmt.Sprintf(`version: "1.0"
environments:
  - {name: dev, account: "%s", region: %s, stacks: [{name: Given, path: cdk.json}]%s}
`, dev, ireland, more))
}

// stateWithTemplates is the state of a cloud with what its templates say, as the CLI sends YAML.
func stateWithTemplates(t *testing.T, c *cloud) string {
	t.Helper()
	s := c.state()
	for name, one := range s.Stacks {
		var content any
		require.NoError(t, yaml.Load([]byte(one.Template), &content))
		text, err := json.Marshal(content)
		require.NoError(t, err)
		one.Template = string(text)
		s.Stacks[name] = one
	}
	return s.String()
}

func TestTheValuesOfAConfigurationAndOfFlagsAreThoseOfTheCDKCLI(t *testing.T) {
	t.Parallel()
	theirs, ours := newCloud(t), newCloud(t)
	theirApp, ourApp := assemblytest.App(t, "apps/given"), assemblytest.App(t, "apps/given")
	for _, c := range []*cloud{theirs, ours} {
		c.environ = []string{"CDK_VALIDATION=false"}
	}
	topic := "arn:aws:sns:" + ireland + ":" + dev + ":"

	configureValues(t, ourApp, "")
	printed, code := ours.deployer(ourApp)
	assert.Equal(t, 2, code, printed)
	assert.Contains(t, printed, "Email")
	assert.Contains(t, printed, "--parameters")

	theirs.environ = append(theirs.environ, "STAGE=blue")
	theirs.mustCDK(theirApp, "deploy", "Given", "--require-approval", "never", "--parameters", "dev-Given:Email=a=b@example.test", "--parameters", "Size=large",
		"-c", "tier=gold", "--notification-arns", topic+"one")
	configureValues(t, ourApp, fmt.Sprintf(`, parameters: {Given: {Email: "a=b@example.test"}, Size: large}, context: {tier: gold}, env: {STAGE: blue}, notificationArns: ["%sone"]`, topic))
	printed, code = ours.deployer(ourApp)
	require.Zero(t, code, printed)
	assert.Equal(t, stateWithTemplates(t, theirs), stateWithTemplates(t, ours))
	ours.ForgetCalls()
	printed, code = ours.deployer(ourApp)
	require.Zero(t, code, printed)
	assert.Zero(t, ours.Calls()["cloudformation:CreateChangeSet"], printed)

	// A value that is not given any more stays, and a flag outranks the configuration.
	theirs.mustCDK(theirApp, "deploy", "Given", "--require-approval", "never", "--parameters", "Size=small", "--context", "tier=lead")
	printed, code = ours.deployer(ourApp, "--parameters", "Size=small", "--context", "tier=lead")
	require.Zero(t, code, printed)
	configureValues(t, ourApp, `, env: {STAGE: blue}, context: {tier: lead}`)
	printed, code = ours.deployer(ourApp)
	require.Zero(t, code, printed)
	assert.Equal(t, stateWithTemplates(t, theirs), stateWithTemplates(t, ours))

	for flag, words := range map[string]string{
		"Emial=x":       `did you mean Email?`,
		"Gvien:Email=x": `this environment deploys no stack \"Gvien\"`,
		"Email":         "is not an assignment",
	} {
		printed, code = ours.deployer(ourApp, "--parameters", flag)
		assert.Equal(t, 2, code, printed)
		assert.Contains(t, printed, words)
	}
}
