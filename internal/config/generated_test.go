package config_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
)

const (
	schemaFile    = "../../schema/aphex-config.schema.json"
	referenceFile = "../../docs/configuration.md"
)

func TestTheSchemaIsCurrent(t *testing.T) {
	schema, err := config.Schema()
	require.NoError(t, err)
	isCurrent(t, schemaFile, schema)
}

func TestTheReferenceIsCurrent(t *testing.T) {
	isCurrent(t, referenceFile, []byte(config.Reference()))
}

func isCurrent(t *testing.T, file string, want []byte) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, want, 0o644))
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "run `go generate ./internal/config`")
}
