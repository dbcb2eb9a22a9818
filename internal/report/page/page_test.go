package page

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// large is a run of 3 environments with 50 stacks each, of which each has 20 resources.
func large() Run {
	r := Run{Pipeline: "shop", Name: "shop-" + strings.Repeat("3f2a", 8), Word: "Failed", Status: Bad, Commit: strings.Repeat("3f", 20), Repository: "https://github.com/acme/shop.git", Created: noon, Ended: noon.Add(time.Hour)}
	r.Cause = &Cause{Where: "deploy-prod", Error: "stack Api49 failed", Hint: "look there"}
	for e, env := range []string{"dev", "stage", "prod"} {
		began := noon.Add(time.Duration(e) * 10 * time.Minute)
		stage := Span{Name: "deploy-" + env, Status: Good, Started: began, Seconds: 500}
		environment := Environment{Name: env, Status: Good}
		for s := range 50 {
			stack := Span{Name: fmt.Sprintf("Api%d", s), Status: Good, Note: "updated, 20 to modify", Started: began.Add(time.Duration(s) * time.Second), Seconds: float64(s + 1)}
			for i := range 20 {
				stack.Spans = append(stack.Spans, Span{Name: fmt.Sprintf("Orders%d/Handler/ServiceRole/Resource", i), Kind: "AWS::IAM::Role", Note: "update", Status: Good, Started: stack.Started, Seconds: float64(i)})
			}
			stage.Spans = append(stage.Spans, stack)
			environment.Rights = append(environment.Rights, Right{stack.Name, "OrdersRole", "lambda.amazonaws.com may assume ${OrdersRole}"})
			environment.Outputs = append(environment.Outputs, Output{stack.Name, "Url", "https://api.example.com/" + stack.Name})
		}
		if env == "prod" {
			stage.Status, stage.Error, stage.Spans[49].Status, stage.Spans[49].Error = Bad, "stack Api49 failed", Bad, "no"
			stage.Spans[49].Spans[0].Status, stage.Spans[49].Spans[0].Error = Bad, "Access denied"
		}
		r.Timeline, r.Environments = append(r.Timeline, stage), append(r.Environments, environment)
	}
	return r
}

func TestThePageOfALargeRunIsSmallAndHasEachStackAndWhatFailed(t *testing.T) {
	data, err := OfRun(large())
	require.NoError(t, err)
	t.Logf("%d bytes", len(data))
	assert.LessOrEqual(t, len(data), MaxBytes)
	text := string(data)
	assert.Equal(t, 150, strings.Count(text, "updated, 20 to modify"))
	assert.Contains(t, text, "Access denied")
	assert.Contains(t, text, "more, in the record of the run")
	assert.Less(t, strings.Index(text, "First cause"), strings.Index(text, "Timeline"))
}

func TestAPageOfAnySizeFits(t *testing.T) {
	r := large()
	for range 5 {
		r.Timeline, r.Environments = append(r.Timeline, r.Timeline...), append(r.Environments, r.Environments...)
	}
	data, err := OfRun(r)
	require.NoError(t, err)
	assert.LessOrEqual(t, len(data), MaxBytes)
	assert.Contains(t, string(data), "Access denied")
}

func TestARecordOfThousandsOfLongTextsFitsOnAPage(t *testing.T) {
	long := strings.Repeat("<b>x ", 2000)
	gate := Gate{Name: long, State: long, Reason: long, By: long, Why: long}
	environment := Environment{Name: long, Status: Good, Gates: []Gate{gate}}
	for name, r := range map[string]Run{
		"environments": {Environments: append(slices.Repeat([]Environment{environment}, 1000), Environment{Name: "the last", Status: Bad, Gates: []Gate{gate}})},
		"gates":        {Environments: []Environment{{Name: "the last", Gates: slices.Repeat([]Gate{gate}, 1000)}}},
		"notes":        {Notes: []Note{{"Attempts before the last", slices.Repeat([]string{long}, 1000)}}},
		"tests":        {Environments: []Environment{{Name: "the last", Tests: &Tests{Failed: slices.Repeat([]string{long}, 1000), Error: long}}}},
		"times":        {Timeline: []Span{{Name: "the last", Started: noon, Seconds: 1e300}, {Name: "a", Started: noon.Add(-1 << 62), Seconds: -1e300}, {Started: time.Time{}.Add(1)}}},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := OfRun(r)
			require.NoError(t, err)
			assert.LessOrEqual(t, len(data), MaxBytes)
			assert.Contains(t, string(data), "the last")
			harmless(t, data)
		})
	}
	data, err := OfPipeline(Pipeline{Name: long, Now: noon, Environments: slices.Repeat([]Deployed{{Name: long, Commit: long, LeftOut: slices.Repeat([]string{long}, 1000)}}, 1000)})
	require.NoError(t, err)
	assert.LessOrEqual(t, len(data), MaxBytes)
	assert.Contains(t, string(data), " more: generator status")
}

func TestAWaitIsCutFromTheAxis(t *testing.T) {
	stages := []Span{
		{Name: "build", Status: Good, Started: noon, Seconds: 30},
		{Name: "deploy-dev", Status: Good, Started: noon.Add(30 * time.Second), Seconds: 30},
		{Name: "deploy-prod", Status: Good, Started: noon.Add(50 * time.Hour), Seconds: 60},
	}
	c := newClock(stages)
	rows, _ := c.timeline(stages, limits{10, 10, 10, 10})
	assert.Equal(t, []string{"0s", "30s", "1m", "1m 30s"}, c.Marks())
	assert.Equal(t, []string{"50%", "50%"}, []string{rows[2].X, rows[2].W})
	assert.Equal(t, []string{"", "", "2d 1h"}, []string{rows[0].Wait, rows[1].Wait, rows[2].Wait})
}

func TestOnlyTheAddressOfARepositoryIsALink(t *testing.T) {
	commit := strings.Repeat("3f", 20)
	for repository, want := range map[string][2]string{
		"https://github.com/acme/shop.git":          {"https://github.com/acme/shop", "https://github.com/acme/shop/commit/" + commit},
		"https://user:secret@ghe.example/acme/shop": {"https://ghe.example/acme/shop", "https://ghe.example/acme/shop/commit/" + commit},
		"javascript:alert(1)//x":                    {}, "file:///etc/passwd": {}, "https:acme/shop": {}, "http://github.com/acme/shop": {}, "": {},
	} {
		assert.Equal(t, want, [2]string{link(repository, ""), link(repository, commit)}, repository)
	}
	assert.Empty(t, link("https://github.com/acme/shop", "../../evil"))
}

// colours are those of the style sheet, of light and of dark pages.
func colours(t *testing.T) (schemes []map[string]string) {
	t.Helper()
	for _, block := range regexp.MustCompile(`:root \{([^}]*)\}`).FindAllStringSubmatch(string(style), -1) {
		scheme := map[string]string{}
		for _, one := range regexp.MustCompile(`--([a-z]+): (#[0-9a-f]{6})`).FindAllStringSubmatch(block[1], -1) {
			scheme[one[1]] = one[2]
		}
		schemes = append(schemes, scheme)
	}
	require.Len(t, schemes, 3, "light, dark, print")
	for name, colour := range schemes[0] {
		if schemes[2][name] == "" {
			schemes[2][name] = colour
		}
	}
	return schemes
}

// contrast is that of WCAG 2.
func contrast(one, other string) float64 {
	luminance := func(colour string) (l float64) {
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, _ := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
			c := float64(n) / 255
			if c <= 0.04045 {
				c /= 12.92
			} else {
				c = math.Pow((c+0.055)/1.055, 2.4)
			}
			l += weight * c
		}
		return l
	}
	a, b := luminance(one), luminance(other)
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

func TestColoursHaveTheContrastOfWCAG(t *testing.T) {
	assert.InDelta(t, 21, contrast("#000000", "#ffffff"), 0.01)
	text := map[string][]string{
		"paper": {"ink", "quiet", "link", "good", "bad", "stopped", "idle", "open"}, "panel": {"ink", "quiet", "link", "good", "bad", "stopped", "idle", "open"},
		"badpaper": {"ink", "quiet", "link", "bad"}, "warnpaper": {"ink", "quiet", "link"}, "idlepaper": {"ink", "quiet", "link"},
	}
	graphics := []string{"goodbar", "badbar", "stoppedbar", "idlebar", "openbar"}
	for i, scheme := range colours(t) {
		for paper, inks := range text {
			for _, ink := range inks {
				assert.GreaterOrEqual(t, contrast(scheme[ink], scheme[paper]), 4.5, "scheme %d: %s on %s", i, ink, paper)
			}
		}
		for _, bar := range graphics {
			assert.GreaterOrEqual(t, contrast(scheme[bar], scheme["paper"]), 3.0, "scheme %d: %s", i, bar)
		}
	}
}

// harmless fails if a page runs or fetches anything, or says something that only looks like text.
func harmless(t *testing.T, data []byte) {
	t.Helper()
	allowed := map[string]bool{
		"html": true, "head": true, "meta": true, "title": true, "link": true, "style": true, "body": true, "header": true, "main": true, "footer": true, "section": true,
		"h1": true, "h2": true, "h3": true, "p": true, "a": true, "b": true, "i": true, "em": true, "small": true, "span": true, "pre": true, "code": true, "time": true, "br": true,
		"ul": true, "li": true, "details": true, "summary": true, "dl": true, "dt": true, "dd": true, "div": true, "svg": true, "rect": true, "polyline": true,
		"table": true, "thead": true, "tbody": true, "tr": true, "th": true, "td": true,
	}
	tokens := html.NewTokenizer(strings.NewReader(string(data)))
	for kind := tokens.Next(); kind != html.ErrorToken; kind = tokens.Next() {
		token := tokens.Token()
		if kind == html.TextToken {
			assert.NotRegexp(t, "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", token.Data)
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		assert.True(t, allowed[token.Data], "<%s>", token.Data)
		for _, a := range token.Attr {
			assert.False(t, strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src", "%s of <%s>", a.Key, token.Data)
			if a.Key == "href" {
				assert.Regexp(t, `^(https://|#cause$|data:image/svg\+xml,|[^:/?#]*\.html$)`, a.Val)
			}
		}
	}
	assert.Contains(t, string(data), "default-src &#39;none&#39;; style-src &#39;sha256-")
}

// hostile is a run and a pipeline whose texts are all the same.
func hostile(text string) (Run, Pipeline) {
	link := Link{Run: text, Has: true}
	run := Run{
		Pipeline: text, Name: text, Word: text, Status: Bad, Commit: text, Repository: text, Facts: []Fact{{"By", text}}, Cause: &Cause{text, text, text}, Ended: noon,
		Timeline:     []Span{{Name: text, Status: Bad, Note: text, Kind: text, Error: text, Started: noon, Seconds: 1, Spans: []Span{{Name: text, Note: text, Status: Good}}}},
		Environments: []Environment{{Name: text, Status: Good, Gates: []Gate{{text, text, text, text, text, false}}, Rights: []Right{{text, text, text}}, Outputs: []Output{{text, text, text}}, Tests: &Tests{Status: Bad, Broken: 1, Failed: []string{text}, Error: text}}},
		Notes:        []Note{{"Attempts before", []string{text}}}, Version: text,
	}
	pipeline := Pipeline{
		Name: text, Now: noon, Version: text, Environments: []Deployed{{Name: text, Commit: text, Branch: text, By: text, Since: noon, Run: link, LeftOut: []string{text}, Failed: &Failed{text, text, text, noon, link}}},
		Keys: []Keys{{Environment: text, Deployments: 1}}, Slowest: []Pace{{Step: text, Runs: []time.Duration{1, 2}}},
		Runs: []Summary{{Run: link, Word: text, Status: Bad, Commit: text, Branch: text, By: text, Environments: []string{text}, Error: text, Purpose: text}, {Run: link, HandedOver: text, Skipped: text, Status: Idle}},
	}
	return run, pipeline
}

// FuzzPage checks that texts of others are text on a page, whatever they are.
func FuzzPage(f *testing.F) {
	for _, text := range []string{
		"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "javascript:alert(1)", "https://example.com/a/b\" onclick=\"x", "</style><script>", "\u202egnp.exe", "\x1b]8;;https://x\x07y",
		"{{.Style}}", "\x00\xff", "</svg><foreignObject>", "../../x", "data:text/html,<script>1</script>", "\u200f\u061cabc", strings.Repeat("<b>", 3000),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		run, pipeline := hostile(text)
		data, err := OfRun(run)
		require.NoError(t, err)
		harmless(t, data)
		data, err = OfPipeline(pipeline)
		require.NoError(t, err)
		harmless(t, data)
	})
}
