package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
)

func TestAStackWithoutAPathBelongsToTheFolderOfTheFile(t *testing.T) {
	text := `version: "1.0"
stacks: [{name: Shared}]
pipelineStack: {name: Own}
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [Shared, {name: Api}, {name: Web, path: web/bin}, {name: Top, path: .}]}
`
	for file, folder := range map[string]string{"svc/aphex-config.yaml": "svc", "aphex-config.yaml": ".", "./a/../b/c.yaml": "b"} {
		parsed, err := config.Parse(file, []byte(text))
		require.NoError(t, err)
		cfg := parsed.At(file)
		var paths []string
		for _, stack := range cfg.Environments[0].Stacks {
			paths = append(paths, stack.Path)
		}
		assert.Equal(t, []string{folder, folder, "web/bin", "."}, paths)
		assert.Equal(t, folder, cfg.Stacks[0].Path)
		assert.Equal(t, folder, cfg.PipelineStack.Path)
	}
}
