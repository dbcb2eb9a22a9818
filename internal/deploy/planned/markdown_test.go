package planned_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
)

func TestAPlanIsCommentedLikeThis(t *testing.T) {
	other := &planned.Plan{Environment: "dev", Stacks: []planned.Stack{{Stack: "Data", Intent: planned.WillKeep}}}
	unknown := &planned.Plan{Environment: "own", Problem: "no access", Hint: "a role"}
	text, golden := planned.Markdown([]*planned.Plan{other, planOfEverything(), unknown}, planOfEverything().Commit, "plans/run/plan.json"), filepath.Join("testdata", "plan.md")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(text), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), text)
}

// fragments are what breaks out of code, or shows something else than it is.
var fragments = []string{
	"`", "```", "````\n", "\n", "\r\n", "|", `\`, "</details>", "<script>alert(1)</script>", "<!--", "@octocat", "#1", "[x](http://x)", "![x](http://x)", "\x1b[31m", "\x00",
	"\u202e", "\u200b", "\u2066", "\xff", "~~~", "$$x$$", ":tada:", "- [ ] ", "\n## ", "&lt;", "*", "_", "a", "Z9", "日本",
}

func hostile(t *rapid.T, label string) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(fragments), 0, 12).Draw(t, label), "")
}

// hostilePlan is a plan all of whose texts come from an attacker.
func hostilePlan(t *rapid.T) *planned.Plan {
	p := &planned.Plan{Environment: hostile(t, "environment"), Commit: hostile(t, "commit"), Basis: planned.FromTemplates}
	if rapid.IntRange(0, 9).Draw(t, "unknown") == 0 {
		p.Problem, p.Hint = hostile(t, "problem")+"x", hostile(t, "hint")
		return p
	}
	for range rapid.IntRange(0, 3).Draw(t, "stacks") {
		s := planned.Stack{
			Stack: hostile(t, "stack"), Name: hostile(t, "name"), Region: hostile(t, "region"), Because: hostile(t, "because"), Warnings: []string{hostile(t, "warning")},
			Intent: rapid.SampledFrom([]planned.Intent{planned.WillUpdate, planned.WillFail, planned.WillKeep}).Draw(t, "intent"),
		}
		for range rapid.SampledFrom([]int{0, 1, 20, 400}).Draw(t, "changes") {
			s.Changes = append(s.Changes, planned.Resource{
				Action: rapid.SampledFrom([]string{"add", "modify", planned.Replace, planned.Remove, "<b>"}).Draw(t, "action"), LogicalID: strings.Repeat(hostile(t, "id"), 3), Type: "AWS::\nX",
				Causes: []string{"```"}, Data: diff.Deleted, Properties: []diff.Change{{Path: "```\n", After: "|`"}},
			})
			if len(s.Changes) > 20 {
				s.Changes[len(s.Changes)-1] = s.Changes[3]
			}
		}
		for range rapid.SampledFrom([]int{0, 1, 100}).Draw(t, "broader") {
			s.Broader = append(s.Broader, diff.Broadening{Kind: diff.IAM, Text: "`````\n" + fragments[len(s.Broader)%len(fragments)]})
		}
		p.Stacks = append(p.Stacks, s)
	}
	for range rapid.IntRange(0, 2).Draw(t, "gates") {
		p.Gates = append(p.Gates, planned.Gate{Gate: hostile(t, "gate")})
	}
	p.Settle()
	return p
}

// own matches the lines that the Markdown has outside of blocks of code.
var own = regexp.MustCompile("^(|### Plan of `[^`]+`|" + // title
	`\| environment \| stacks \| resources \| rights \| data \| waits for \||\|---\|---\|---\|---\|---\|---\||` +
	"\\| `[^`|]+` \\| (\\*\\*not planned\\*\\*|unchanged|[0-9]+ of [0-9]+ change) \\| [0-9a-z, ]* \\| (\\*\\*[0-9]+ broader\\*\\*)? \\| (\\*\\*[0-9]+ lost\\*\\*)? \\| (`[^`|]+`(, )?)* \\||" +
	"… and [0-9]+ environments? more\\.|#### `[^`]+`|<details><summary>Changes</summary>|</details>|" +
	"Nothing was created or executed[^`<]*( The whole plan: `[^`]+`)?)$")

// outside returns the lines outside of blocks of code, as CommonMark reads them: a block ends
// with a fence that is at least as long as that which began it.
func outside(markdown string) (lines []string) {
	fence := ""
	for _, line := range strings.Split(markdown, "\n") {
		run := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		switch {
		case fence == "" && len(run) >= 3:
			fence = run
		case fence == "":
			lines = append(lines, line)
		case len(run) >= len(fence) && strings.TrimRight(line, " ") == run:
			fence = ""
		}
	}
	if fence != "" {
		lines = append(lines, "a block is not closed")
	}
	return lines
}

func TestNothingOfAPlanIsRenderedAndItsSizeIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var plans []*planned.Plan
		for range rapid.SampledFrom([]int{0, 1, 3, 20}).Draw(t, "plans") {
			if len(plans) < 3 {
				plans = append(plans, hostilePlan(t))
			} else {
				plans = append(plans, plans[len(plans)%3])
			}
		}
		text := planned.Markdown(plans, hostile(t, "commit"), hostile(t, "whole"))
		require.LessOrEqual(t, len(text), planned.MaxMarkdown)
		for _, line := range outside(text) {
			require.Regexp(t, own, line)
		}
		for _, c := range text {
			require.True(t, unicode.IsPrint(c) || c == '\n', "%q", c)
		}
	})
}

func TestAnyNumberOfEnvironmentsFitsIntoAComment(t *testing.T) {
	for _, count := range []int{1, 50, 200, 1500} {
		var plans []*planned.Plan
		for i := range count {
			p := planOfEverything()
			p.Environment = fmt.Sprintf("environment-%04d", i)
			for j := range 200 {
				p.Stacks[0].Changes = append(p.Stacks[0].Changes, planned.Resource{Action: "add", LogicalID: fmt.Sprint("R", j), Type: "AWS::SQS::Queue"})
			}
			plans = append(plans, p)
		}
		text := planned.Markdown(plans, "0a", "key")
		assert.LessOrEqual(t, len(text), planned.MaxMarkdown)
		assert.Contains(t, text, "`environment-0000`")
		assert.Contains(t, text, "The whole plan: `key`")
		if count == 1 {
			assert.Contains(t, text, "R199", "nothing is cut that fits")
		} else if count <= 50 {
			assert.Contains(t, text, "data: Data: Inner/Table is replaced", "what matters stays")
			assert.Contains(t, text, "more lines")
		}
	}
}

// FuzzMarkdown holds for names of any text what TestNothingOfAPlanIsRendered… holds for many.
func FuzzMarkdown(f *testing.F) {
	f.Add("Api", "Api/Table", "${Role} may *")
	f.Add("```\n# x", "`|`</details>", "\x1b[31m\u202e")
	f.Fuzz(func(t *testing.T, stack, name, broader string) {
		p := &planned.Plan{Environment: name, Stacks: []planned.Stack{{
			Stack: stack, Name: name, Intent: planned.WillUpdate, Because: broader, Broader: []diff.Broadening{{Text: broader}},
			Changes: []planned.Resource{{Action: planned.Replace, Path: name, LogicalID: stack, Type: broader, Data: diff.Deleted, Causes: []string{stack}}},
		}}}
		text := planned.Markdown([]*planned.Plan{p}, stack, name)
		if len(text) > planned.MaxMarkdown {
			t.Errorf("%d bytes", len(text))
		}
		for _, line := range outside(text) {
			if !own.MatchString(line) {
				t.Errorf("%q is outside of code", line)
			}
		}
	})
}
