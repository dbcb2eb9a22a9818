package assembly_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly/assemblytest"
)

func TestPatternsMatchAsTheLibraryOfTheCDKCLIDoes(t *testing.T) {
	patterns := []string{
		"*", "**", "***", "Prod/*", "Prod/**", "**/Api", "**/Prod/**", "Prod/**/Api", "P*", "*d/A*", "Pro?/Api", "?", "{Api,Data}", "{Prod,Dev}/{Api,Data}",
		"Prod{,2}/Api", "{Prod/{Api,Data},Api}", "{Api}", "[AD]*", "[!A]*", "[a-z]*", "Prod/[^A]*", "Api**", "Prod**Api", "**Api", "Prod/", "/Prod", "Prod//Api", "A.i", "A+", "(Api)", "Prod-*", "*-Api", "prod/*",
	}
	paths := []string{
		"Api", "Data", "Prod", "Prod/Api", "Prod/Data", "Prod/Eu/Api", "Prod/Eu/West/Data", "Prod2/Api", "Dev/Api", "dev-Api", "Prod-Api", "api", "A.i", "A+", "(Api)", "{Api}", "X",
	}
	asked, err := json.Marshal([][]string{patterns, paths})
	require.NoError(t, err)
	library := filepath.Join(assemblytest.NodeModules(t), "aws-cdk-lib", "node_modules", "minimatch")
	answer, err := exec.Command("node", "-e", `
		const m = require(process.argv[1]), match = m.minimatch ?? m, [patterns, paths] = JSON.parse(process.argv[2]);
		console.log(JSON.stringify(Object.fromEntries(patterns.map(g => [g, paths.filter(p => match(p, g))]))))`, library, string(asked)).Output()
	require.NoError(t, err)
	var theirs map[string][]string
	require.NoError(t, json.Unmarshal(answer, &theirs))
	for _, pattern := range patterns {
		ours, glob := []string{}, assembly.ParseGlob(pattern)
		for _, path := range paths {
			if glob.Match(path) {
				ours = append(ours, path)
			}
		}
		assert.Equal(t, theirs[pattern], ours, pattern)
	}
}

func TestAPatternOfManyBracesIsBounded(t *testing.T) {
	many := ""
	for range 60 {
		many += "{a,b}"
	}
	assert.False(t, assembly.ParseGlob(many).Match("x"))
	assert.False(t, assembly.ParseGlob("{{{{,,,{,[").Match("x"))
}

func TestNamesAndPathsAreNoPatterns(t *testing.T) {
	for text, is := range map[string]bool{"Api": false, "Prod/Api": false, "Prod/*": true, "A?i": true, "{a,b}": true, "[ab]": true} {
		assert.Equal(t, is, assembly.IsGlob(text), text)
	}
}
