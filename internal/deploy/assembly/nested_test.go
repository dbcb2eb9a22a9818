package assembly_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
)

// Four assemblies in each of fifteen would be read a thousand million times.
func TestANestedAssemblyIsReadOnce(t *testing.T) {
	dir := t.TempDir()
	for level := range 16 {
		var nested []string
		for i := range 4 {
			if level < 15 {
				nested = append(nested, fmt.Sprintf(`"n%d": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "n"}}`, i))
			}
		}
		manifest := `{"version": "48.0.0", "artifacts": {` + strings.Join(nested, ",") + `}}`
		in := filepath.Join(dir, strings.Repeat("n/", level))
		require.NoError(t, os.MkdirAll(in, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(in, "manifest.json"), []byte(manifest), 0o600))
	}
	_, err := assembly.Read(dir)
	require.ErrorContains(t, err, "two artifacts are the assembly in")
}

func TestLinksToOneAssemblyDoNotMultiplyIt(t *testing.T) {
	dir := t.TempDir()
	var nested []string
	for _, name := range []string{"a", "b", "c", "d"} {
		require.NoError(t, os.Symlink(".", filepath.Join(dir, name)))
		nested = append(nested, fmt.Sprintf(`"%s": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "%s"}}`, name, name))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(`{"version": "48.0.0", "artifacts": {`+strings.Join(nested, ",")+`}}`), 0o600))
	_, err := assembly.Read(dir)
	require.ErrorContains(t, err, "two artifacts are the assembly in")
}
