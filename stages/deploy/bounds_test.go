package deploy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
			assert.NotEqual(t, "AssumeRole", call.Operation, call.Target)
			assert.NotEqual(t, "cloudformation", call.Service, call.Operation)
		}
		if c.allow != "" {
			done, err := attack(c.old, c.new, c.allow)
			require.NoError(t, err)
			assert.Contains(t, []string{"created", "unchanged"}, done["Data"])
		}
	}
}
