package programs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/tests/documents"
)

// The directives of blocks that are executed, with what runs before them in the same shell.
var executed = map[string]string{
	"test: run": "",
	"test: run with simulated accounts": `generator simulate --state ../simulated >../aws.env &
simulator=$!
trap 'kill $simulator; wait $simulator || true' EXIT
until [ -s ../aws.env ]; do sleep 0.05; done
. ../aws.env
rm ../aws.env
`,
}

// The blocks of a page run one after another in one clone of a small app, so that each continues where the one before it ended.
func TestTheCommandsOfADocumentRun(t *testing.T) {
	bin, blocks := build(t), 0
	pages, err := documents.Read("../../..", "construct/README.md", "images/README.md")
	require.NoError(t, err)
	for _, page := range pages {
		var run []documents.Block
		for _, block := range page.Blocks {
			if _, is := executed[block.Directive]; is {
				run = append(run, block)
			} else if strings.HasPrefix(block.Directive, "test: run") {
				t.Errorf("%s:%d: unknown directive %q", page.Path, block.Line, block.Directive)
			}
		}
		if blocks += len(run); len(run) == 0 {
			continue
		}
		t.Run(page.Path, func(t *testing.T) {
			t.Parallel()
			shell := newReader(t, bin)
			for _, block := range run {
				out := shell.run(t, executed[block.Directive]+block.Script())
				if block.Language == "console" {
					assert.Regexp(t, screen(block.Output()), shown(out), "%s:%d shows another output", page.Path, block.Line)
				}
			}
		})
	}
	assert.GreaterOrEqual(t, blocks, 2)
}

// make screens runs the demo, which takes a minute, and sets DEMO to the file with what it printed.
func TestTheDemoPrintsTheScreenOfTheReadme(t *testing.T) {
	file := os.Getenv("DEMO")
	if file == "" {
		t.Skip("make screens runs this test")
	}
	printed, err := os.ReadFile(file)
	require.NoError(t, err)
	source, err := os.ReadFile("../../../README.md")
	require.NoError(t, err)
	screens := 0
	for _, block := range documents.Parse("README.md", source).Blocks {
		if block.Directive == "test: make screens" {
			screens++
			assert.Regexp(t, screen("…\n"+block.Text+"…\n"), shown(string(printed)), "README.md:%d shows another output", block.Line)
		}
	}
	assert.Equal(t, 1, screens)
}

// reader is somebody who follows a page: a folder with an app in a git repository, and the programs in PATH.
type reader struct {
	app         string
	environment []string
}

func newReader(t *testing.T, bin string) reader {
	t.Helper()
	home := t.TempDir()
	r := reader{filepath.Join(home, "app"), []string{
		"PATH=" + bin + string(os.PathListSeparator) + cdk(t) + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + home, "NO_COLOR=1", "CDK_DISABLE_CLI_TELEMETRY=true",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.com", "GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.com",
	}}
	require.NoError(t, os.CopyFS(r.app, os.DirFS("testdata/app")))
	r.run(t, "git init --quiet --initial-branch main && git add --all && git commit --quiet --message Start")
	return r
}

func (r reader) run(t *testing.T, script string) string {
	t.Helper()
	shell := exec.Command("sh", "-eu")
	shell.Dir, shell.Env, shell.Stdin = r.app, r.environment, strings.NewReader(script)
	out, err := shell.CombinedOutput()
	require.NoError(t, err, "%s\n%s", script, out)
	return string(out)
}

// screen matches an output as a page shows it: a line "…" stands for any lines, and "…" within a line for any text.
func screen(page string) *regexp.Regexp {
	var pattern strings.Builder
	for _, line := range strings.SplitAfter(shown(page), "\n") {
		if strings.TrimSpace(line) == "…" {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*"))
	}
	return regexp.MustCompile(`^` + pattern.String() + `$`)
}

// shown is an output with what varies from run to run, such as times, as pages show it.
func shown(text string) string {
	for _, v := range varying {
		text = v.pattern.ReplaceAllString(text, v.shown)
	}
	text = duration.ReplaceAllString(text, " 1.2s")
	return trailing.ReplaceAllString(text, "")
}

var (
	// duration matches one with the spaces before it, as columns are aligned to the right.
	duration = regexp.MustCompile(` +(?:[0-9]+m)?[0-9]+(?:\.[0-9]+)?s\b`)
	trailing = regexp.MustCompile(`(?m) +$`)
)

func TestAScreenMatchesItsOutputWithWhatVaries(t *testing.T) {
	page := "▶ build\n…\n✔ build 10.9s\nkey=…zst\n"
	assert.Regexp(t, screen(page), shown("▶ build\n  one\n  two\n✔ build 0.3s\nkey=1234.tar.zst\n"))
	assert.NotRegexp(t, screen(page), shown("▶ build\n✘ build 0.3s\nkey=1234.tar.zst\n"))
	assert.NotRegexp(t, screen(page), shown("▶ build\n✔ build 0.3s\nkey=1234.tar.zst\nmore\n"))
}
