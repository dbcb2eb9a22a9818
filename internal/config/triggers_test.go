package config_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/config"
)

func TestTheLastPatternThatMatchesAFileDecidesWhetherItCounts(t *testing.T) {
	const file = "services/api/aphex-config.yaml"
	for _, c := range []struct {
		paths           string
		counts, doesNot string
	}{
		{"**", "a a/b .github/x", ""},
		{"*", "a .a", "a/b"},
		{"*.md", "a.md .md", "a/b.md amd a.mdx"},
		{"**.md", "a.md a/b.md", "a.mdx"},
		{"**/*.md", "a.md a/b.md a/b/c.md", "md"},
		{"docs", "docs", "docs/a xdocs docs2"},
		{"docs/**", "docs/a docs/a/b", "docs docs2/a x/docs/a"},
		{"docs/**/x", "docs/x docs/a/x docs/a/b/x", "docs/ax xdocs/x"},
		{"a?c", "abc a.c", "ac a/c abbc"},
		{"a+b.c", "a+b.c", "aab.c a+bxc"},
		{"services/api/** !**/*.md", "services/api/x services/api/a/b", "services/api/x.md services/web/x"},
		{"** !docs/** docs/api/**", "a docs/api/x", "docs/x"},
		{"x", "services/api/aphex-config.yaml", "aphex-config.yaml"},
		{"** !services/**", file, "services/api/x"},
	} {
		triggers := config.Triggers{Paths: strings.Fields(c.paths)}
		for _, name := range strings.Fields(c.counts) {
			assert.True(t, triggers.Counts(name, file), "%s: %s", c.paths, name)
		}
		for _, name := range strings.Fields(c.doesNot) {
			assert.False(t, triggers.Counts(name, file), "%s: %s", c.paths, name)
		}
	}
	assert.True(t, config.Triggers{Paths: []string{"a*"}}.Counts("a\nb", file), "git allows it in names")
	assert.True(t, config.Triggers{Paths: []string{"x"}}.Counts("deploy/p.yaml", "./deploy/p.yaml"))
}

func TestThePatternOfTagsMatchesTheseTagsAlone(t *testing.T) {
	tags := regexp.MustCompile("^" + config.Triggers{Tags: []string{"v*", "release/**", "x.y"}}.TagPattern() + "$")
	for _, tag := range []string{"v1", "v", "v1.2.3-rc1", "release/a/b", "x.y"} {
		assert.Regexp(t, tags, tag)
	}
	for _, tag := range []string{"", "w1", "av1", "v1/x", "release", "xzy"} {
		assert.NotRegexp(t, tags, tag)
	}
}

func TestTriggersThatCanNeverStartARunAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{paths: ["!docs/**"]}`:                            "the first of triggers.paths excludes files",
		`{paths: [docs/]}`:                                 `names a folder: write "docs/**"`,
		`{paths: [../x]}`:                                  "is no path from the root of the repository",
		`{timezone: Europe/Berlin}`:                        "triggers.timezone is for triggers.schedule",
		`{schedule: "0 3 * * *", timezone: Europe/Paris2}`: "is not in the IANA Time Zone Database",
		`{schedule: "61 3 * * *"}`:                         `has "61" as minute`,
		`{tags: ["!v1"]}`:                                  "expected the name of a tag",
	} {
		_, err := config.Parse("x.yaml", []byte("version: \"1.0\"\ntriggers: "+text+"\nenvironments: [{name: dev, account: \"111111111111\", region: eu-west-1, stacks: [S]}]\n"))
		assert.ErrorContains(t, err, want, text)
	}
}
