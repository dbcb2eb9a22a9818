package documents_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/tests/documents"
)

// hint is a text that tells a person what to do next.
type hint struct{ place, text string }

// advised matches a command of the product in a hint, up to the end of its clause.
var advised = regexp.MustCompile(`(?:^|[^-\w])(?:` + strings.Join(documents.Programs, "|") + `)(?: [^;,:()` + "`" + `]*|$)`)

// longFlag matches a flag in a hint, or in the help of a verb.
var longFlag = regexp.MustCompile(`(?:^|[ \[/])(--[a-z]+(?:-[a-z]+)*)`)

// prose are the words that follow the name of a program in a sentence about it.
var prose = []string{"in", "<verb>", "steps"}

// aliases are flags that help does not list, and what they are another name of.
var aliases = map[string]string{"--why": "--reason"}

// foreign are commands of other programs, whose flags are theirs.
var foreign = regexp.MustCompile(`\b(?:cdk|npx|git|kubectl|docker|argo|aws|wsl|put-secret-value|create-secret)(?: [^;,)` + "`" + `]*|$)`)

func TestEveryCommandAndFlagOfAHintIsOneThatItsVerbHas(t *testing.T) {
	verbs := flagsOfVerbs(t)
	all := slices.Concat(slices.Collect(maps.Values(verbs))...)
	found := 0
	for _, h := range hints(t) {
		text := foreign.ReplaceAllString(h.text, "")
		for _, command := range advised.FindAllString(text, -1) {
			words := strings.Fields(strings.TrimLeft(command, " `(:;,\""))
			verb := words[0]
			for n := min(len(words), 3); n > 1; n-- {
				if name := strings.Join(words[:n], " "); verbs[name] != nil {
					verb = name
					break
				}
			}
			if verb == words[0] && verb != "commands" && len(words) > 1 && words[1][0] != '-' && !slices.Contains(prose, words[1]) {
				t.Errorf("%s: %q: %s has no verb %q", h.place, h.text, words[0], words[1])
			}
			for _, flag := range longFlag.FindAllStringSubmatch(command, -1) {
				found++
				assert.True(t, slices.Contains(verbs[verb], flag[1]) || slices.Contains(verbs[verb], aliases[flag[1]]), "%s: %q: %s has no flag %s", h.place, h.text, verb, flag[1])
			}
		}
		for _, flag := range longFlag.FindAllStringSubmatch(advised.ReplaceAllString(text, ""), -1) {
			found++
			assert.True(t, slices.Contains(all, flag[1]), "%s: %q: no program has the flag %s", h.place, h.text, flag[1])
		}
	}
	assert.Greater(t, found, 60, "the test does not find the hints")
}

// flagLine matches a line about a flag in the help of a verb.
var flagLine = regexp.MustCompile(`^ +(?:-\w, +)?(--[a-z][a-z-]*)`)

// flagsOfVerbs returns the flags of each program and of each of its verbs, by the page
// that another test compares with what the programs print.
func flagsOfVerbs(t *testing.T) map[string][]string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/cli.md")
	require.NoError(t, err)
	verbs, verb := map[string][]string{}, ""
	for line := range strings.Lines(string(page)) {
		if title, heading := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); heading && line[0] == '#' {
			verb, _, _ = strings.Cut(strings.TrimSpace(title), ":")
			verb, _, _ = strings.Cut(verb, ",")
		} else if found := flagLine.FindStringSubmatch(strings.ReplaceAll(line, "--[no-]", "--")); found != nil {
			verbs[verb] = append(verbs[verb], found[1])
		}
		if verbs[verb] == nil {
			verbs[verb] = []string{}
		}
	}
	require.Contains(t, verbs["generator run"], "--source")
	require.Contains(t, verbs["builder"], "--artifact-dir")
	return verbs
}

// hints returns the texts of all hints in the source of the product. What is computed is
// the word x.
func hints(t *testing.T) (all []hint) {
	t.Helper()
	files := token.NewFileSet()
	for _, folder := range []string{"cmd", "internal", "stages"} {
		err := filepath.WalkDir(filepath.Join("../../..", folder), func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return err
			}
			parsed, err := parser.ParseFile(files, file, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(parsed, func(node ast.Node) bool {
				for _, value := range advising(node) {
					for _, text := range texts(value) {
						all = append(all, hint{files.Position(value.Pos()).String(), text})
					}
				}
				return true
			})
			return nil
		})
		require.NoError(t, err)
	}
	return all
}

// advising returns the expressions in which a node makes a hint: the arguments of
// WithHint, and values of fields and variables with such a name.
func advising(node ast.Node) []ast.Expr {
	switch node := node.(type) {
	case *ast.CallExpr:
		if called, ok := node.Fun.(*ast.SelectorExpr); ok && called.Sel.Name == "WithHint" {
			return node.Args
		}
	case *ast.KeyValueExpr:
		if key, ok := node.Key.(*ast.Ident); ok && isHint(key.Name) {
			return []ast.Expr{node.Value}
		}
	case *ast.AssignStmt:
		for _, left := range node.Lhs {
			if field, ok := left.(*ast.SelectorExpr); ok && isHint(field.Sel.Name) {
				return node.Rhs
			}
			if name, ok := left.(*ast.Ident); ok && isHint(name.Name) {
				return node.Rhs
			}
		}
	case *ast.ValueSpec:
		if isHint(node.Names[0].Name) {
			return node.Values
		}
	}
	return nil
}

func isHint(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, "hint") || name == "fix"
}

// open matches what a format string leaves open.
var open = regexp.MustCompile(`%(?:\.\d+)?[a-z]`)

// texts returns the texts in an expression, those that are joined as one.
func texts(value ast.Expr) (all []string) {
	if text, ok := joined(value); ok {
		return []string{open.ReplaceAllString(text, "x")}
	}
	ast.Inspect(value, func(node ast.Node) bool {
		inner, ok := node.(ast.Expr)
		if !ok || inner == value {
			return true
		}
		text, ok := joined(inner)
		if ok {
			all = append(all, open.ReplaceAllString(text, "x"))
		}
		return !ok
	})
	return all
}

// joined returns the text of a literal, or of a sum with one.
func joined(value ast.Expr) (string, bool) {
	switch value := value.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(value.Value)
		return text, err == nil && value.Kind == token.STRING
	case *ast.BinaryExpr:
		left, leftText := joined(value.X)
		right, rightText := joined(value.Y)
		if !leftText {
			left = "x"
		}
		if !rightText {
			right = "x"
		}
		return left + right, value.Op == token.ADD && (leftText || rightText)
	}
	return "", false
}
