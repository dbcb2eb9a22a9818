package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
)

func TestTheShortFormOfThePredecessorLoads(t *testing.T) {
	got, err := config.Parse("aphex-config.yaml", []byte(`version: "1.0"
build:
  commands: [npm ci]
environments:
  - name: dev
    region: eu-west-1
    account: "111111111111"
    stacks:
      - {name: ApiStack, path: lib/api-stack.ts}
    tests:
      commands: [npm test]
`))
	require.NoError(t, err)
	env, found := got.Environment("dev")
	require.True(t, found)
	assert.Equal(t, "111111111111", env.Account)
	assert.Equal(t, []string{"ApiStack"}, got.StackNames("dev"))
	assert.Equal(t, []string{"npm test"}, env.Tests.Commands)
}
