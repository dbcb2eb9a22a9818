package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// moment bounds each case: far longer than work that is linear in the size of the
// file, far shorter than quadratic work.
const moment = time.Minute

func TestAHostileFileIsRefusedQuickly(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":                    {"", "x.yaml:1:1: the file is empty"},
		"white space":              {" \n\t\n", "x.yaml:1:1: the file is empty"},
		"10 MB":                    {strings.Repeat("# 8 bytes\n", 1<<20), "x.yaml:1:1: the file is too big"},
		"NUL":                      {"version: '1.0'\nstacks: a\x00b\n", "x.yaml:2:10: the control character U+0000"},
		"escape sequence":          {"version: '\x1b[31m'\n", "x.yaml:1:11: the control character U+001B"},
		"not UTF-8":                {"version: '1.0'\ngithubOwner: M\xfcller\n", "x.yaml:2:15: the text is not UTF-8"},
		"UTF-16":                   {"\xff\xfev\x00e\x00", "the file is UTF-16"},
		"deep nesting":             {strings.Repeat("[", 100_000), "x.yaml:1:10001: this is not YAML: exceeded max depth"},
		"deep block nesting":       {strings.Repeat("- ", 100_000), "this is not YAML"},
		"YAML bomb":                {bomb(), "the anchor &a is not allowed"},
		"alias to itself":          {"version: &v [*v]\n", "the alias *v is not allowed"},
		"pattern in no quotes":     {"stacks: [{name: *}]\n", "a text that begins with * must be in quotes"},
		"unknown alias":            {"version: *v\n", "this is not YAML: unknown anchor 'v'"},
		"scalar":                   {"1.0", "the configuration is the number 1.0"},
		"only a document marker":   {"---\n", "the configuration is empty"},
		"directive":                {"%YAML 1.1\n---\nversion: 1\n", "version is the number 1"},
		"error in a second part":   {"version: '1.0'\n---\na: [\n", "this is not YAML"},
		"endless line":             {"version: " + strings.Repeat("é", 400_000) + "\n", "version is \"ééé"},
		"endless key":              {strings.Repeat("k", 900) + ": 1\n", "unknown key"},
		"half a million problems":  {"stacks: [" + strings.Repeat("1,", 500_000) + "]\n", "\nand 499902 more\n500002 problems in x.yaml"},
		"a hundred thousand typos": {strings.Repeat("versoin: 1\n", 90_000), "unknown key \"versoin\""},
		"right-to-left override":   {"githubOwner: \"a\u202eb\"\n", `githubOwner is "a\u202eb"`},
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			_, err := config.Parse("x.yaml", []byte(c.text))
			require.Error(t, err)
			assert.True(t, strings.Contains(err.Error(), c.want), "%.2000s", err)
			assert.Less(t, len(err.Error()), 100_000, "the report stays readable")
			assert.Less(t, time.Since(begin), moment)
		})
	}

	small := strings.Join(strings.SplitAfter(bomb(), "\n")[:6], "")
	var document yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(small), &document))
	assert.Greater(t, scalarsOf(&document), 1000*len(small), "who follows aliases unfolds the bomb, here six of its nine lines")
	_, err := config.Parse("x.yaml", []byte(small))
	require.ErrorContains(t, err, "the anchor &a is not allowed")
}

func TestAnExcerptShowsNothingThatATerminalObeys(t *testing.T) {
	_, err := config.Parse("x.yaml", []byte("githubOwner:\t\"a\u202e\u200bb\"\n"))
	assert.ErrorContains(t, err, "| githubOwner: \"a··b\"\n")
	assert.NotContains(t, err.Error(), "\u202e")
}

func TestManyProblemsAreCountedRatherThanListed(t *testing.T) {
	_, err := config.Parse("x.yaml", []byte("version: '1.0'\nrequiredContext: ["+strings.Repeat("1,", 150)+"]\n"+oneEnvironment))
	assert.ErrorContains(t, err, "\nand 50 more\n150 problems in x.yaml")
}

func TestLinesAreCountedAsEditorsCountThem(t *testing.T) {
	for name, text := range map[string]string{
		"unix": "# a\n# ü\nversion: 2\n", "windows": "# a\r\n# ü\r\nversion: 2\r\n", "byte order mark": "\ufeff# a\n# ü\nversion: 2\n",
	} {
		_, err := config.Parse("x.yaml", []byte(text))
		assert.ErrorContains(t, err, "x.yaml:3:10: version is the number 2", name)
		assert.ErrorContains(t, err, "   3 | version: 2\n     |          ^\n", name)
	}
}

func TestColumnsCountCharacters(t *testing.T) {
	_, err := config.Parse("x.yaml", []byte("pipelineStack: {path: größe, nmae: X}\n"))
	assert.ErrorContains(t, err, "x.yaml:1:30: unknown key \"nmae\"")
}

func TestTenThousandEnvironmentsLoad(t *testing.T) {
	begin := time.Now()
	got, err := config.Parse("x.yaml", manyEnvironments(10_000))
	require.NoError(t, err)
	assert.Len(t, got.Environments, 10_000)
	assert.Less(t, time.Since(begin), moment)
}

func TestALargeGraphIsCheckedQuickly(t *testing.T) {
	chain := func(i int) string { return fmt.Sprintf("[e%d]", (i+1)%8000) }
	for name, c := range map[string]struct {
		after func(i int) string
		want  string
	}{
		"one long cycle":       {chain, "e0 → e1 → e2 → e3 → e4 → e5 → e6 → e7 → … 7991 more … → e7999 → e0"},
		"links to all over":    {func(i int) string { return fmt.Sprintf("[e%d, e%d, e%d]", (i+1)%8000, i/2, i/3) }, "in a cycle"},
		"nothing that exists":  {func(i int) string { return fmt.Sprintf("[x%d]", i) }, "and 7900 more"},
		"everyone for himself": {func(i int) string { return fmt.Sprintf("[e%d]", i) }, "e0 → e0"},
	} {
		t.Run(name, func(t *testing.T) {
			var text strings.Builder
			text.WriteString("version: '1.0'\nstacks: [{name: S}]\nenvironments:\n")
			for i := range 8000 {
				fmt.Fprintf(&text, "- {name: e%d, account: '%012d', region: eu-west-1, stacks: [S], after: %s}\n", i, i, c.after(i))
			}
			begin := time.Now()
			_, err := config.Parse("x.yaml", []byte(text.String()))
			require.Error(t, err)
			assert.True(t, strings.Contains(err.Error(), c.want), "%.2000s", err)
			assert.Less(t, time.Since(begin), moment)
		})
	}
}

func BenchmarkTenThousandEnvironments(b *testing.B) {
	source := manyEnvironments(10_000)
	b.SetBytes(int64(len(source)))
	for b.Loop() {
		if _, err := config.Parse("x.yaml", source); err != nil {
			b.Fatal(err)
		}
	}
}

func manyEnvironments(count int) []byte {
	var text strings.Builder
	text.WriteString("version: '1.0'\nstacks: [{name: S}]\nenvironments:\n")
	for i := range count {
		fmt.Fprintf(&text, "- {name: e%d, account: '%012d', region: eu-west-1, stacks: [S]}\n", i, i)
	}
	return []byte(text.String())
}

// scalarsOf counts the scalars below a node as often as aliases name them.
func scalarsOf(node *yaml.Node) int {
	if node.Kind == yaml.AliasNode {
		return scalarsOf(node.Alias)
	}
	if node.Kind == yaml.ScalarNode {
		return 1
	}
	count := 0
	for _, child := range node.Content {
		count += scalarsOf(child)
	}
	return count
}

// bomb is the "billion laughs" file: nine levels of nine aliases.
func bomb() string {
	text := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for level := 'b'; level <= 'i'; level++ {
		text += fmt.Sprintf("%c: &%c [%s]\n", level, level, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", level-1), 9), ","))
	}
	return text
}
