package page

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strings"
)

//go:embed run.html index.html parts.html style.css
var files embed.FS

// templates are those of the pages.
var templates = template.Must(template.New("pages").Funcs(template.FuncMap{
	"duration": duration, "at": at, "short": short, "word": word, "glyph": glyph,
	"place":  func(link string) string { return line(strings.TrimPrefix(link, "https://"), longestName) },
	"status": func(s string) Status { return Status(s) },
	"line":   func(text string) string { return line(text, longestText) },
}).ParseFS(files, "*.html"))

// style is the style sheet, without what only people read.
var style = func() template.CSS {
	data, err := files.ReadFile("style.css")
	if err != nil {
		panic(err) // it is embedded
	}
	var lines []string
	for _, text := range strings.Split(string(data), "\n") {
		if text = strings.TrimSpace(text); text != "" && !strings.HasPrefix(text, "/*") {
			lines = append(lines, text)
		}
	}
	return template.CSS(strings.Join(lines, "\n")) //nolint:gosec // ours
}()

// policy is the Content-Security-Policy of the pages: they fetch nothing and run nothing.
var policy = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; base-uri 'none'; form-action 'none'"
}()

// frame is what each page has.
type frame struct {
	Title, Policy string
	Style         template.CSS
	Icon          template.URL
}

// icons are the icons of pages by status: a disc in its colour.
func framed(title string, status Status) frame {
	colour := map[Status]string{Good: "1a7f37", Bad: "c01c28"}[status]
	if colour == "" {
		colour = "6e7781"
	}
	icon := "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='7' fill='%23" + colour + "'/%3E%3C/svg%3E"
	return frame{Title: title, Policy: policy, Style: style, Icon: template.URL(icon)} //nolint:gosec // ours
}

// word returns a status as text.
func word(s Status) string {
	return map[Status]string{Good: "succeeded", Bad: "failed", Stopped: "stopped", Idle: "not changed", Open: "in progress"}[s]
}

// glyph returns a status as a character, for those who cannot tell colours apart.
func glyph(s Status) string {
	return map[Status]string{Good: "✓", Bad: "✕", Stopped: "■", Idle: "–", Open: "…"}[s]
}

// MaxBytes is the size of the largest page of a run. Rows are left out, and counted, until it fits.
const MaxBytes = 200_000

// limits are how many rows a page has.
type limits struct{ stages, stacks, resources, lines int }

// render renders a page with as many rows as fit.
func render(name string, view func(limits) any) ([]byte, error) {
	var out bytes.Buffer
	for halves := 0; ; halves++ {
		out.Reset()
		l := limits{stages: max(600>>halves, 8), stacks: 1000 >> halves, resources: 800 >> halves, lines: 400 >> halves}
		if err := templates.ExecuteTemplate(&out, name, view(l)); err != nil {
			return nil, fmt.Errorf("rendering a page: %w", err)
		}
		if out.Len() <= MaxBytes || l.stacks == 0 {
			return out.Bytes(), nil
		}
	}
}

// runView is what the template of a run shows.
type runView struct {
	frame
	Run
	CommitLink, RepositoryLink string
	Took                       string
	Rows                       []row
	More                       int
	Marks                      []string
	Cut                        bool // waits are cut from the axis
	Environments               []environmentView
	MoreEnvironments           int
}

type environmentView struct {
	Environment
	MoreGates, MoreRights, MoreOutputs, MoreFailed int
}

// Shown reports whether there is something to show besides the time.
func (e environmentView) Shown() bool {
	return len(e.Gates)+e.MoreGates > 0 || len(e.Rights) > 0 || e.Tests != nil || len(e.Outputs) > 0
}

// AllRights returns how many rights became wider, also those that are left out.
func (e environmentView) AllRights() int { return len(e.Rights) + e.MoreRights }

// AllOutputs returns how many outputs there are.
func (e environmentView) AllOutputs() int { return len(e.Outputs) + e.MoreOutputs }

// OfRun renders the page of a run.
func OfRun(r Run) ([]byte, error) {
	clock := newClock(r.Timeline)
	if r.Cause != nil {
		cause := Cause{Where: line(r.Cause.Where, longestName), Error: block(r.Cause.Error, longestError), Hint: block(r.Cause.Hint, longestError)}
		r.Cause = &cause
	}
	return render("run.html", func(l limits) any {
		v := runView{
			frame: framed(line(r.Name, longestName)+" "+line(r.Word, longestName), r.Status), Run: r, Marks: clock.Marks(), Cut: len(clock.waits) > 0,
			CommitLink: link(r.Repository, r.Commit), RepositoryLink: link(r.Repository, ""),
		}
		if !r.Created.IsZero() && r.Ended.After(r.Created) {
			v.Took = duration(r.Ended.Sub(r.Created))
		}
		v.Rows, v.More = clock.timeline(r.Timeline, l)
		v.Run.Notes = nil
		for _, n := range r.Notes {
			v.Run.Notes = append(v.Run.Notes, Note{n.Title, cutNotes(n.Lines, l.lines)})
		}
		shown := first(r.Environments, l.stages)
		for _, e := range shown {
			v.Environments = append(v.Environments, environmentView{Environment: e}.cut(l.lines))
		}
		v.MoreEnvironments = len(r.Environments) - len(shown)
		return v
	})
}

// first returns as many environments as a page has, those that failed first if it has not all.
func first(environments []Environment, most int) []Environment {
	if len(environments) <= most {
		return environments
	}
	sorted := slices.Clone(environments)
	slices.SortStableFunc(sorted, func(a, b Environment) int { return cmp.Compare(rank(a.Status), rank(b.Status)) })
	return sorted[:most]
}

func cutNotes(lines []string, most int) []string {
	if len(lines) <= most {
		return lines
	}
	return append(lines[:most:most], fmt.Sprintf("and %d more", len(lines)-most))
}

func (e environmentView) cut(most int) environmentView {
	gates, rights, outputs := min(len(e.Gates), most), min(len(e.Rights), most), min(len(e.Outputs), most)
	e.Gates, e.MoreGates = e.Gates[:gates], len(e.Gates)-gates
	e.MoreRights, e.MoreOutputs = len(e.Rights)-rights, len(e.Outputs)-outputs+e.Omitted
	e.Rights, e.Outputs = e.Rights[:rights], e.Outputs[:outputs]
	if e.Tests != nil {
		tests := *e.Tests
		failed := min(len(tests.Failed), most)
		tests.Failed, tests.Error = tests.Failed[:failed], block(tests.Error, longestError)
		e.MoreFailed, e.Tests = max(tests.Broken, len(e.Tests.Failed))-failed, &tests
	}
	return e
}
