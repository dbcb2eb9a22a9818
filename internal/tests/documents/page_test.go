package documents_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/tests/documents"
)

func TestHeadingsHaveTheAnchorsOfGitHub(t *testing.T) {
	page := documents.Parse("docs/page.md", []byte("# `a-b`: What's *new*?\n## Bad input ⚖\n## `environments[].stacks[]`, `x`\n## Twice\n## Twice\n"))
	var anchors []string
	for _, section := range page.Sections {
		anchors = append(anchors, section.Anchor)
	}
	assert.Equal(t, []string{"a-b-whats-new", "bad-input-", "environmentsstacks-x", "twice", "twice-1"}, anchors)
}

func TestLinksAreResolvedFromTheirPage(t *testing.T) {
	page := documents.Page{Path: "docs/adr/0001-layers.md"}
	for target, want := range map[string][2]string{
		"#context":            {"docs/adr/0001-layers.md", "context"},
		"../operations.md#a":  {"docs/operations.md", "a"},
		"../../README.md":     {"README.md", ""},
		"https://example.com": {"", ""},
		"https://github.com/aphex/aphex-pipeline/blob/main/docs/cli.md": {"docs/cli.md", ""},
	} {
		file, anchor := page.Resolve(target)
		assert.Equal(t, want, [2]string{file, anchor}, target)
	}
}

func TestCommandsAreFoundWhereverAShellWouldRunThem(t *testing.T) {
	page := documents.Parse("README.md", []byte("# Page\n```sh\nmake build && cd \"$PWD\"   # a comment\n"+
		"deployer environment --commit $(git rev-parse HEAD) \\\n  --bucket <bucket>\n"+
		"docker run --rm public.ecr.aws/aphex/validator:1.5 --source .\n```\n\n"+
		"```console\n$ generator run \\\n    --yes\nsucceeded in 3s\n```\n```text\nnot a command\n```\nRun `generator diff --such`, not `go`.\n"))
	commands, err := page.Commands()
	require.NoError(t, err)
	var lines []string
	for _, command := range append(commands, page.Mentioned()...) {
		lines = append(lines, command.String())
	}
	assert.Equal(t, []string{
		"README.md:3: make build", "README.md:3: cd value",
		"README.md:4: deployer environment --commit value --bucket value", "README.md:4: git rev-parse HEAD",
		"README.md:6: docker run --rm public.ecr.aws/aphex/validator:1.5 --source .", "README.md:6: validator --source .",
		"README.md:10: generator run --yes",
		"README.md:17: generator diff --such",
	}, lines)
}

func TestAPartOfAConfigurationIsCompletedToAWholeOne(t *testing.T) {
	for name, part := range map[string]string{
		"keys of the file":        "githubBranch: release\n",
		"stacks":                  "stacks:\n  - {name: Api, path: lib/api.ts}\n",
		"a list of stacks":        "- {name: Api, path: lib/api.ts}\n",
		"environments":            "environments:\n  - {name: prod, stacks: [Api], after: [dev]}\n",
		"an entry of a list":      "- name: prod\n  requiresApproval: true\n",
		"keys of an environment":  "tests:\n  commands: [npm test]\n",
		"an unknown value of one": "onFailure: sometimes\n",
	} {
		t.Run(name, func(t *testing.T) {
			text, err := documents.Block{Language: "yaml", Text: part}.Configuration()
			require.NoError(t, err)
			_, err = config.Parse("aphex-config.yaml", text)
			if name == "an unknown value of one" {
				assert.ErrorContains(t, err, "sometimes")
				return
			}
			assert.NoError(t, err, "%s", text)
		})
	}
	text, err := documents.Block{Text: "kind: EventBus\n"}.Configuration()
	assert.NoError(t, err)
	assert.Nil(t, text)
	_, err = documents.Block{Text: "enviroments: []\n"}.Configuration()
	assert.ErrorContains(t, err, "not a configuration, nor a part of one")
}
