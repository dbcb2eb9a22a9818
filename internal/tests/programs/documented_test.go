package programs_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/tests/documents"
)

// With --help at its end, a command is parsed in full (verbs, flags and their values), and then prints its help.
func TestTheProgramsKnowEveryCommandInADocument(t *testing.T) {
	t.Parallel()
	bin := build(t)
	parse := func(args ...string) error {
		program := exec.Command(filepath.Join(bin, args[0]), append(args[1:], "--help")...)
		program.Env = []string{"HOME=" + t.TempDir()}
		return program.Run()
	}
	for _, command := range documentedCommands(t) {
		args := command.Args
		if strings.HasPrefix(strings.Join(args, " "), "deployer steps") {
			continue // its arguments are stages, which it starts
		}
		err := parse(args...)
		if last := args[len(args)-1]; err != nil && strings.HasPrefix(last, "--") {
			err = parse(append(args[:len(args):len(args)], "value")...)
		}
		assert.NoError(t, err, "%s", command)
	}
	assert.Error(t, parse("generator", "render", "--such"), "the test finds nothing")
}

// documentedCommands are the different commands of the product in all documents.
func documentedCommands(t *testing.T) (list []documents.Command) {
	t.Helper()
	pages, err := documents.Read("../../..", "construct/README.md", "images/README.md")
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, page := range pages {
		found, err := page.Commands()
		require.NoError(t, err)
		for _, command := range append(found, page.Mentioned()...) {
			command.Args[0] = filepath.Base(command.Args[0])
			text := strings.Join(command.Args, "\x00")
			if !seen[text] && command.Ours() {
				seen[text] = true
				list = append(list, command)
			}
		}
	}
	require.Greater(t, len(list), 30)
	return list
}
