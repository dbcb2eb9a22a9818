package documents_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/tests/documents"
)

const root = "../../.."

func read(t *testing.T) []documents.Page {
	t.Helper()
	pages, err := documents.Read(root, "construct/README.md", "images/README.md")
	require.NoError(t, err)
	require.Greater(t, len(pages), 30)
	return pages
}

func TestEveryLinkOfADocumentLeadsSomewhere(t *testing.T) {
	pages, anchors, links := read(t), map[string][]string{}, 0
	for _, page := range pages {
		for _, section := range page.Sections {
			anchors[page.Path] = append(anchors[page.Path], section.Anchor)
		}
	}
	for _, page := range pages {
		for _, link := range page.Links {
			file, anchor := page.Resolve(link.Target)
			if file == "" {
				continue
			}
			links++
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s:%d: %s: there is no file %s", page.Path, link.Line, link.Target, file)
				continue
			}
			if known, read := anchors[file]; read && anchor != "" && !slices.Contains(known, anchor) {
				t.Errorf("%s:%d: %s: %s has no heading with this anchor", page.Path, link.Line, link.Target, file)
			}
		}
	}
	assert.Greater(t, links, 80)
}

// languages are those that a block of code may have. Those of a shell are checked as commands.
var languages = []string{
	"sh", "console", "text", "yaml", "json", "go", "typescript", "javascript", "python", "mermaid", "dockerfile", "diff",
}

func TestEveryBlockOfCodeSaysItsLanguageAndCanBeRead(t *testing.T) {
	blocks := 0
	for _, page := range read(t) {
		for _, block := range page.Blocks {
			blocks++
			if !slices.Contains(languages, block.Language) {
				t.Errorf("%s:%d: a block of code with the language %q; it must be one of %s",
					page.Path, block.Line, block.Language, strings.Join(languages, ", "))
			}
			if block.Language == "json" {
				assert.True(t, json.Valid([]byte(block.Text)), "%s:%d: not JSON", page.Path, block.Line)
			}
		}
	}
	assert.Greater(t, blocks, 50)
}

func TestEveryConfigurationInADocumentIsValid(t *testing.T) {
	checked := 0
	for _, page := range read(t) {
		for _, block := range page.Blocks {
			if block.Language != "yaml" {
				continue
			}
			text, err := block.Configuration()
			if !assert.NoError(t, err, "%s:%d", page.Path, block.Line) || text == nil {
				continue
			}
			checked++
			_, err = config.Parse("aphex-config.yaml", text)
			assert.NoError(t, err, "%s:%d:\n%s", page.Path, block.Line, text)
		}
	}
	assert.GreaterOrEqual(t, checked, 3)
}

// others are the programs of others that a document may name, beside the words of the shell itself.
var others = map[string][]string{
	"argo": nil, "aws": nil, "chmod": nil, "cp": nil, "curl": nil, "docker": nil, "git": nil, "go": nil, "id": nil, "jq": nil, "kubectl": nil,
	"cosign": nil, "mkdir": nil, "mv": nil, "node": nil, "npm": nil, "npx": nil, "openssl": nil, "rm": nil, "sleep": nil,
	".": nil, "[": nil, "cat": nil, "cd": nil, "echo": nil, "eval": nil, "export": nil, "printf": nil, "trap": nil, "kill": nil, "wait": nil, "until": nil,
	"cdk": {"bootstrap", "deploy", "destroy", "diff", "init", "list", "ls", "synth"},
}

var target = regexp.MustCompile(`(?m)^([a-z0-9-]+):`)

func TestEveryCommandInADocumentIsOneThatAReaderHas(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	require.NoError(t, err)
	var targets []string
	for _, match := range target.FindAllStringSubmatch(string(makefile), -1) {
		targets = append(targets, match[1])
	}
	checked := 0
	for _, page := range read(t) {
		commands, err := page.Commands()
		require.NoError(t, err)
		for _, command := range commands {
			checked++
			program := command.Args[0]
			verbs, known := others[program]
			switch {
			case program == "make":
				for _, word := range command.Args[1:] {
					if !strings.Contains(word, "=") && !strings.HasPrefix(word, "-") {
						assert.Contains(t, targets, word, "%s", command)
					}
				}
			case command.Ours(), strings.Contains(program, "/"): // or a script
			case !known:
				t.Errorf("%s: %s is a program that readers may not have: add it to others if they do", command, program)
			case verbs != nil && len(command.Args) > 1:
				assert.Contains(t, verbs, command.Args[1], "%s", command)
			}
		}
	}
	assert.Greater(t, checked, 30)
}

func TestEverySourceThatADocumentNamesExists(t *testing.T) {
	for _, page := range read(t) {
		for _, section := range page.Sections {
			for _, source := range section.Sources {
				assert.True(t, fs.ValidPath(source), "%s: source %q is not a path from the root of the repository", page.Path, source)
				_, err := os.Stat(filepath.Join(root, source))
				assert.NoError(t, err, "%s: section %q", page.Path, section.Title)
			}
		}
	}
}
