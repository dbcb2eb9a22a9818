package conformance_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	named   = regexp.MustCompile("`((?:Test|Fuzz)[A-Z][A-Za-z0-9]+)`")
	defined = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z][A-Za-z0-9]+)\(`)
)

func TestEveryTestThatADocumentNamesExists(t *testing.T) {
	exists := map[string]bool{}
	for _, root := range []string{"../../../internal", "../../../stages", "../../../cmd", "../../../awssim", "../../../e2e"} {
		require.NoError(t, filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(name, "_test.go") {
				return err
			}
			source, err := os.ReadFile(name)
			for _, match := range defined.FindAllSubmatch(source, -1) {
				exists[string(match[1])] = true
			}
			return err
		}))
	}
	for document, atLeast := range map[string]int{"cdk-parity.md": 50, "SECURITY.md": 30} {
		text, err := os.ReadFile(filepath.Join("../../../docs", document))
		require.NoError(t, err)
		names := named.FindAllSubmatch(text, -1)
		require.Greater(t, len(names), atLeast, document)
		for _, match := range names {
			assert.True(t, exists[string(match[1])], "docs/%s names %s, which is gone", document, match[1])
		}
	}
}
