package layers

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ownerless may make a client of S3 by themselves: the one makes those that name the
// owner of the bucket, the other asks only for an address.
var ownerless = []string{"internal/bucket/client.go", "internal/deploy/cfn/url.go"}

func TestNoClientOfS3IsMadeThatForgetsTheOwnerOfTheBucket(t *testing.T) {
	root, found := filepath.Join("..", "..", ".."), []string{}
	for _, top := range []string{"cmd", "stages", "internal"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, top), func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
				return err
			}
			name, err := filepath.Rel(root, file)
			if err != nil || strings.HasPrefix(name, filepath.Join("internal", "tests")) {
				return err
			}
			text, err := os.ReadFile(file)
			if strings.Contains(string(text), "s3.NewFromConfig(") || strings.Contains(string(text), "s3.New(") {
				found = append(found, filepath.ToSlash(name))
			}
			return err
		}))
	}
	assert.ElementsMatch(t, ownerless, found, "use bucket.NewClient")
}
