package programs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
)

// TestARunAgainstTheDefaultChainUsesTheCredentialsAtHand runs the pipeline as
// against real accounts: the cloud is there already, and only the environment
// leads to it.
func TestARunAgainstTheDefaultChainUsesTheCredentialsAtHand(t *testing.T) {
	bin, state, app := build(t), filepath.Join(t.TempDir(), "state"), t.TempDir()
	require.NoError(t, copyState(t, bin, state))
	cloud, err := awssim.New(awssim.Options{Dir: filepath.Join(state, "aws")})
	require.NoError(t, err)
	url, err := cloud.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cloud.Close()) })

	require.NoError(t, os.CopyFS(app, os.DirFS("testdata/app")))
	run := exec.Command("sh", "-c", `git init -q -b main && git add -A && git -c user.name=t -c user.email=t@example.com commit -q -m Start &&
		generator run --aws=default-chain --state "$STATE"`)
	run.Dir = app
	run.Env = append(cloud.AddAccount("111111111111").Over(os.Environ(), url, "eu-west-1"),
		"STATE="+filepath.Join(t.TempDir(), "own"), "PATH="+bin+":"+os.Getenv("PATH"))
	out, err := run.CombinedOutput()

	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), "the accounts of your credentials")
	assert.NotContains(t, string(out), "simulated")
	assert.Contains(t, string(out), "s3://aphex-pipeline-artifacts-111111111111-eu-west-1/metadata/workflows/")
	assert.Regexp(t, `prod +Api +us-east-1 +created`, string(out))

	// The deployer alone prints a plan as data: nothing else is on standard output.
	plan := exec.Command("sh", "-c", `deployer environment --source . --environment dev --commit $(git rev-parse HEAD) --plan-file "$PLAN" &&
		deployer environment --source . --environment dev --commit $(git rev-parse HEAD) --execute-plan "$PLAN" >&2`)
	plan.Dir, plan.Env = app, append(run.Env, "PLAN="+filepath.Join(t.TempDir(), "plan.json"))
	text, err := plan.Output()
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(text), "Plan for dev: account 111111111111, eu-west-1, commit "), "%s", text)
	assert.Contains(t, string(text), "2 stacks: 2 unchanged; one at a time, in this order\n")
	assert.NotContains(t, string(text), `"summary"`)
}
