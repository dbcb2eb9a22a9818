package documents_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/tests/documents"
)

var update = flag.Bool("update", false, "write docs/index.json anew")

func TestEverySectionOfThePagesStandsAlone(t *testing.T) {
	for _, page := range read(t) {
		if page.InIndex() {
			for _, problem := range page.Problems() {
				t.Error(problem)
			}
		}
	}
}

func TestTheIndexListsThePagesAsTheyAre(t *testing.T) {
	want, err := documents.Index(read(t))
	require.NoError(t, err)
	file := filepath.Join(root, "docs/index.json")
	if *update {
		require.NoError(t, os.WriteFile(file, want, 0o644))
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.True(t, string(want) == string(got), "docs/index.json is not that of the pages: run make golden") // no difference of 2,000 lines
}

const sourced = "\n\n**Source**\n- `go.mod`\n"

func TestABreachOfTheContractOfSectionsIsReported(t *testing.T) {
	for name, c := range map[string]struct{ page, problem string }{
		"no title":             {"## Part\ntext" + sourced, "does not begin with its title"},
		"a second title":       {"# One\n\n# Two" + sourced, `"Two" is a second title`},
		"a long section":       {"# Page\n" + strings.Repeat("word ", 400) + sourced, "words: split it"},
		"a heading twice":      {"# Page\n## Part\n## Part" + sourced, "the heading of another one"},
		"no sources":           {"# Page\ntext", "does not end with its sources"},
		"sources not at end":   {"# Page" + sourced + "\nmore text", "does not end with its sources"},
		"sources in a section": {"# Page\n## Part" + sourced + "\n## Another\ntext", "does not end with its sources"},
	} {
		t.Run(name, func(t *testing.T) {
			found := documents.Parse("docs/page.md", []byte(c.page)).Problems()
			require.Len(t, found, 1)
			assert.Contains(t, found[0], c.problem)
		})
	}
	assert.Empty(t, documents.Parse("docs/page.md", []byte("# Page\n## Part\ntext"+sourced)).Problems())
}

func TestTheDigestOfASectionChangesWithItsTextOnly(t *testing.T) {
	parse := func(text string) []documents.Section {
		return documents.Parse("docs/page.md", []byte(text)).Sections
	}
	before, after := parse("# Page\nfirst\n\n## Part\nold"), parse("# Page\nfirst\n\n\n## Part\nnew")
	assert.Equal(t, before[0].Text, after[0].Text)
	assert.NotEqual(t, before[1].Text, after[1].Text)
}
