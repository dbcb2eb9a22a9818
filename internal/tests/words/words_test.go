package words

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const listFile = "tools/words.txt"

func TestNoBannedWordIsUsedInTheProject(t *testing.T) {
	root := command(t, ".", "git", "rev-parse", "--show-toplevel")
	text, err := os.ReadFile(filepath.Join(root, listFile))
	require.NoError(t, err)
	l, err := parse(string(text))
	require.NoError(t, err)
	require.NotEmpty(t, l.banned)

	checked := 0
	for _, file := range strings.Split(command(t, root, "git", "ls-files", "-z"), "\x00") {
		if file == "" || !isOurs(file) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(root, file))
		if os.IsNotExist(err) || bytes.ContainsRune(content, 0) {
			continue // deleted and not yet committed, or binary
		}
		require.NoError(t, err)
		checked++
		for _, problem := range l.check(file, string(content)) {
			t.Error(problem)
		}
	}
	assert.Greater(t, checked, 100, "git lists the files of the project")
	for _, e := range l.exceptions {
		assert.True(t, e.used, "%s: nothing needs the exception for %s any more: remove it", listFile, e.pattern)
	}
}

func TestABannedWordIsFoundWhereverItStands(t *testing.T) {
	l, err := parse(`
# a comment
surroundings => command environment
half way, halfway => was interrupted
allow docs/old.md: surroundings: quotes the old name
`)
	require.NoError(t, err)
	cases := map[string]struct{ file, text, problem string }{
		"a comment":                   {"a.go", "package a\n\n// The Surroundings of it.", `a.go:3: "surroundings": write command environment`},
		"part of an identifier":       {"a.go", "var commandSurroundings = 1", `a.go:1: "surroundings": write command environment`},
		"an acronym before it":        {"a.go", "var AWSSurroundings = 1", `a.go:1: "surroundings": write command environment`},
		"snake case":                  {"a.sh", "old_surroundings=1", `a.sh:1: "surroundings": write command environment`},
		"a constant of a shell":       {"a.sh", "APHEX_SURROUNDINGS=1", `a.sh:1: "surroundings": write command environment`},
		"a string":                    {"a.go", `"no surroundings"`, `a.go:1: "surroundings": write command environment`},
		"a document":                  {"README.md", "# Surroundings", `README.md:1: "surroundings": write command environment`},
		"a file's name":               {"internal/surroundings/a.go", "", `the name of internal/surroundings/a.go: "surroundings": write command environment`},
		"a phrase":                    {"a.go", "It stopped half way.", `a.go:1: "half way": write was interrupted`},
		"a phrase over two lines":     {"a.go", "// It stopped half\n// way.", `a.go:1: "half way": write was interrupted`},
		"the second of its spellings": {"a.go", "halfway", `a.go:1: "halfway": write was interrupted`},
		"another file than allowed":   {"docs/new.md", "surroundings", `docs/new.md:1: "surroundings": write command environment`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, []string{c.problem}, l.check(c.file, c.text))
		})
	}
	for name, c := range map[string]struct{ file, text string }{
		"an allowed word":         {"docs/old.md", "surroundings"},
		"part of a longer word":   {"a.go", "presurroundings"},
		"a phrase over sentences": {"a.go", "It takes half. Way to go."},
	} {
		t.Run(name, func(t *testing.T) { assert.Empty(t, l.check(c.file, c.text)) })
	}
}

func TestAListWithAMistakeIsRefused(t *testing.T) {
	for text, problem := range map[string]string{
		"surroundings":               `line 1: want "word, phrase => what to write"`,
		"\nallow a.md: surroundings": `line 2: want "allow PATTERN: words: reason"`,
		"allow [: word: reason":      `line 1: "[": syntax error in pattern`,
		"a, => b":                    "line 1: an empty word",
	} {
		_, err := parse(text)
		require.EqualError(t, err, problem)
	}
}

// isOurs excludes the list itself, this test, and files whose text package managers write.
func isOurs(file string) bool {
	switch filepath.Base(file) {
	case "go.sum", "go.mod", "package-lock.json":
		return false
	}
	return file != listFile && !strings.HasPrefix(file, "internal/tests/words/")
}

func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}
