package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each archive holds a wrong file and the whole text that a person gets for it.
func TestAWrongFileIsExplainedInFull(t *testing.T) {
	archives, err := filepath.Glob("testdata/problems/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, archives)
	for _, file := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			require.NoError(t, err)
			wrong := archive.Files[0]
			_, err = config.Parse(wrong.Name, wrong.Data)
			require.Error(t, err)
			got := []byte(err.Error() + "\n")
			if *update {
				archive.Files = []txtar.File{wrong, {Name: "problems", Data: got}}
				require.NoError(t, os.WriteFile(file, txtar.Format(archive), 0o644))
				return
			}
			require.Len(t, archive.Files, 2, "run with -update")
			assert.Equal(t, string(archive.Files[1].Data), string(got))
		})
	}
}
