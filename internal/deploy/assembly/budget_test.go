package assembly

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// One file of assets and many names for it: what is read and what is published grow
// with the names.
func TestManyNamesOfOneDocumentAreBoundedTogether(t *testing.T) {
	former := documents
	defer func() { documents = former }()
	documents.Bytes, documents.Entries = 1<<20, 1000

	asset := `{"source": {"path": "manifest.json"}, "destinations": {"d": {"bucketName": "b", "objectKey": "k"}}}`
	for name, c := range map[string]struct {
		names   int
		content string
		says    string
	}{
		"few":        {5, `{"version": "48.0.0", "files": {"a": ` + asset + `}}` + strings.Repeat(" ", 64<<10), ""},
		"many bytes": {50, `{"version": "48.0.0"}` + strings.Repeat(" ", 64<<10), "more than 1 MiB"},
		"many assets": {
			20, `{"version": "48.0.0", "files": {` + strings.TrimSuffix(strings.Repeat(`"%d": `+asset+`,`, 100), ",") + `}}`, "more than 1000 files",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var artifacts, uses []string
			for i := range c.names {
				artifacts = append(artifacts, fmt.Sprintf(`"a%d": {"type": "cdk:asset-manifest", "properties": {"file": "assets.json"}}`, i))
				uses = append(uses, fmt.Sprintf(`"a%d"`, i))
			}
			artifacts = append(artifacts, `"S": {"type": "aws:cloudformation:stack", "environment": "aws://1/r", "properties": {"templateFile": "manifest.json"}, "dependencies": [`+strings.Join(uses, ",")+`]}`)
			content := c.content
			for i := range strings.Count(content, "%d") {
				content = strings.Replace(content, "%d", fmt.Sprint(i), 1)
			}
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "assets.json"), []byte(content), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(`{"version": "48.0.0", "artifacts": {`+strings.Join(artifacts, ",")+`}}`), 0o600))
			read, err := Read(dir)
			require.NoError(t, err)
			require.Len(t, read.Stacks, 1)
			if c.says == "" {
				require.NoError(t, read.Stacks[0].Err)
				return
			}
			require.ErrorContains(t, read.Stacks[0].Err, c.says)
		})
	}
}
