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

func TestEveryTestThatTheDocumentNamesExists(t *testing.T) {
	text, err := os.ReadFile("../../../docs/cdk-parity.md")
	require.NoError(t, err)
	exists := map[string]bool{}
	for _, root := range []string{"../../../internal", "../../../stages", "../../../cmd", "../../../awssim"} {
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
	names := named.FindAllSubmatch(text, -1)
	require.Greater(t, len(names), 50)
	for _, match := range names {
		assert.True(t, exists[string(match[1])], "docs/cdk-parity.md names %s, which is gone", match[1])
	}
}
