package config_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// FuzzParse holds that no text makes the loader panic, and that whatever it
// says about a text can be shown.
func FuzzParse(f *testing.F) {
	valid, err := filepath.Glob("testdata/valid/*.yaml")
	require.NoError(f, err)
	for _, file := range valid {
		source, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(source)
	}
	wrong, err := filepath.Glob("testdata/problems/*.txtar")
	require.NoError(f, err)
	for _, file := range wrong {
		archive, err := txtar.ParseFile(file)
		require.NoError(f, err)
		f.Add(archive.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		got, err := config.Parse("x.yaml", source)
		if err == nil {
			require.NotEmpty(t, got.Environments)
			return
		}
		require.Nil(t, got)
		require.NotEmpty(t, err.Error())
		_, err = json.Marshal(err)
		require.NoError(t, err)
	})
}
