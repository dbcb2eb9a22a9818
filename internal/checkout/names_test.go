package checkout

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestNamesThatLeaveTheFolderOrReachGitAreRefused(t *testing.T) {
	for _, name := range []string{
		"", ".", "..", "a/b", "/", ".git", ".GIT", ".Git", ".git.", ".git ", ".git . .", "GIT~1", "git~1",
		".git::$INDEX_ALLOCATION", ".git:x", `.git\config`, `a\.git`, ".g\u200cit", "\ufeff.git", ".gi\u202et",
	} {
		assert.Equal(t, errs.Invalid, errs.KindOf(checkName("folder", name)), "%q", name)
		assert.Error(t, checkName("folder", name), "%q", name)
	}
}

func TestOrdinaryNamesAreAccepted(t *testing.T) {
	for _, name := range []string{
		".github", ".gitignore", ".gitmodules", ".gitattributes", "git", "...", "..a", ".git2", "git~2", "a b", "-x", "ümläut", "a:b", "日本語",
	} {
		assert.NoError(t, checkName("", name), "%q", name)
	}
}

func TestLinksThroughGitAreRefused(t *testing.T) {
	for _, target := range []string{".git", "../.git/hooks/post-checkout", "a/.GIT./config", `..\.git\config`, "/x/.git"} {
		assert.Error(t, checkTarget("link", target), target)
	}
	for _, target := range []string{"a", "../b", "/etc/hosts", ".github/x", "git"} {
		assert.NoError(t, checkTarget("link", target), target)
	}
}
