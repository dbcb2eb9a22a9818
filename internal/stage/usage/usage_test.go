package usage_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/stage/usage"
)

type flags struct {
	Config string `short:"c" placeholder:"FILE" help:"The file. And more."`
	Yes    bool   `short:"y" help:"Agree."`
}

type program struct {
	Run struct {
		flags
		Format string `enum:"text,json" default:"text" help:"Format."`
		Output string `placeholder:"yaml|json|DIR" help:"Output."`
		Secret string `hidden:""`
	} `cmd:"" help:"Run it."`
	Rotate struct {
		Token struct{ flags } `cmd:"" help:"The token."`
		Hook  struct{}        `cmd:"" help:"The hook."`
	} `cmd:"" help:"Replace."`
	Check struct {
		Files []string `arg:"" optional:"" name:"file"`
	} `cmd:"" help:"Check it." `
	Shell struct {
		Shell string `arg:"" enum:"bash,zsh"`
	} `cmd:""`
	Hidden struct{} `cmd:"" hidden:""`
}

func model(t *testing.T) *kong.Node {
	t.Helper()
	parser, err := kong.New(&program{}, kong.Name("app"), kong.Description("app does it.\n\nExamples:\n\n  app run"))
	require.NoError(t, err)
	return parser.Model.Node
}

func TestACommandLineIsCompletedByWhatCanStandThere(t *testing.T) {
	for line, want := range map[string]string{
		"":                       "run rotate check shell",
		"r":                      "run rotate",
		"rotate ":                "token hook",
		"rotate t":               "token",
		"hid":                    "",
		"run --f":                "--format",
		"run --":                 "--help --config --yes --format --output",
		"run ":                   "--help --config --yes --format --output",
		"run -":                  "--help --config --yes --format --output",
		"run --format ":          "text json",
		"run --format=":          "--format=text --format=json",
		"run --format=j":         "--format=json",
		"run --format = j":       "--format=json", // as bash splits it
		"run --format =":         "--format=text --format=json",
		"run -c ":                ":files",
		"run -c --f":             ":files", // the value of -c, odd as it is
		"run -c x --y":           "--yes",
		"run -c=x --y":           "--yes",
		"run --config=x -y --fo": "--format",
		"run --output ":          "yaml json :folders",
		"run --output y":         "yaml :folders",
		"run --none=":            "",
		"run --none --ye":        "--yes",
		"rotate token --con":     "--config",
		"check ":                 ":files",
		"check a b":              ":files",
		"shell ":                 "bash zsh",
		"shell z":                "zsh",
		"none ":                  "run rotate check shell",
	} {
		var out bytes.Buffer
		require.NoError(t, usage.Complete(model(t), strings.Split(line, " ")).Write(&out))
		var words []string
		for text := range strings.Lines(out.String()) {
			word, _, _ := strings.Cut(strings.TrimSpace(text), "\t")
			words = append(words, word)
		}
		assert.Equal(t, want, strings.Join(words, " "), "%q", line)
	}
	assert.Equal(t, []usage.Candidate{{Word: "--config", Help: "The file"}}, usage.Complete(model(t), []string{"run", "--co"}).Candidates)
	assert.NotEmpty(t, usage.Complete(model(t), nil).Candidates)
}

func TestThereIsAScriptForEachShell(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script, err := usage.Script("app", shell)
		require.NoError(t, err)
		assert.Contains(t, script, "app complete -- ")
		assert.NotContains(t, script, "PROGRAM")
	}
	_, err := usage.Script("app", "tcsh")
	assert.Error(t, err)
}

func TestTheManualPageHasAllCommandsAndNoTextIsARequest(t *testing.T) {
	text := usage.Manual(model(t), "1.2.3")
	for _, want := range []string{".TH APP 1", `app \- does it`, ".SS run\n", ".SS rotate token\n", `\fB\-c, \-\-config\fR \fIFILE\fR`, ".EX\n  app run\n.EE", ".SS check [<file> ...]"} {
		assert.Contains(t, text, want)
	}
	assert.NotContains(t, text, "hidden")
	assert.NotContains(t, text, "secret")

	parser, err := kong.New(&struct{}{}, kong.Name("app"), kong.Description("app does.\n\n.so /etc/passwd\n'x \\*x …\n\nMore."))
	require.NoError(t, err)
	text = usage.Manual(parser.Model.Node, "1")
	assert.Contains(t, text, "\\&.so /etc/passwd\n\\&'x \\e*x \\[u2026]\n.PP\nMore.\n", "groff reads ASCII alone")
	assert.Contains(t, text, ".SH DESCRIPTION\n\\&.so", "a heading begins a paragraph")
}
