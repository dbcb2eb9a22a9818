package documents

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// Page is a document.
type Page struct {
	Path     string // from the root of the repository, with slashes
	Title    string
	Sections []Section // in order; the first one is that of the title
	Blocks   []Block
	Links    []Link
	Spans    []Span
}

// Section is the text from a heading to the next one.
type Section struct {
	Anchor  string // as GitHub makes it
	Title   string
	Level   int // 1 is the title of the page
	Line    int
	Text    string   // Markdown, with the heading
	Sources []string // of its list of sources, from the root of the repository
}

// Words counts the words of the section, those of code and tables too.
func (s Section) Words() int { return len(strings.Fields(s.Text)) }

// Block is a fenced block of code.
type Block struct {
	Language  string
	Text      string
	Directive string // what the HTML comment before the block says, such as "test: run in app"
	Line      int    // of its first line of code
}

// Span is code within a sentence.
type Span struct {
	Text string
	Line int
}

// Link is a link or an image.
type Link struct {
	Target string
	Line   int
}

// Read reads the documents of a repository: README.md, CONTRIBUTING.md and those of
// docs, and of the given further files.
func Read(root string, further ...string) ([]Page, error) {
	files := append([]string{"README.md", "CONTRIBUTING.md"}, further...)
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(file string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(file) != ".md" {
			return err
		}
		name, err := filepath.Rel(root, file)
		files = append(files, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the documents: %w", err)
	}
	slices.Sort(files)
	pages := make([]Page, len(files))
	for i, file := range files {
		source, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return nil, fmt.Errorf("reading a document: %w", err)
		}
		pages[i] = Parse(file, source)
	}
	return pages, nil
}

// Parse reads one document.
func Parse(name string, source []byte) Page {
	p := parser{page: Page{Path: name}, source: source, slugs: map[string]int{}}
	tree := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	_ = ast.Walk(tree, p.visit)
	p.cutSections()
	return p.page
}

type parser struct {
	page   Page
	source []byte
	slugs  map[string]int
	starts []int // of the sections, as offsets
	line   int   // the last one seen, for nodes without lines of their own
}

func (p *parser) visit(node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	if node.Type() == ast.TypeBlock && node.Lines() != nil && node.Lines().Len() > 0 {
		p.line = p.lineOf(node.Lines().At(0).Start)
	}
	switch n := node.(type) {
	case *ast.Text:
		p.line = p.lineOf(n.Segment.Start)
	case *ast.Heading:
		p.heading(n)
	case *ast.FencedCodeBlock:
		p.page.Blocks = append(p.page.Blocks, Block{
			Language: string(n.Language(p.source)), Text: p.raw(n), Directive: p.directive(n), Line: p.line,
		})
	case *ast.CodeSpan:
		p.page.Spans = append(p.page.Spans, Span{p.inline(n), p.line})
	case *ast.Link:
		p.page.Links = append(p.page.Links, Link{string(n.Destination), p.line})
	case *ast.Image:
		p.page.Links = append(p.page.Links, Link{string(n.Destination), p.line})
	}
	return ast.WalkContinue, nil
}

func (p *parser) heading(n *ast.Heading) {
	if n.Lines().Len() == 0 {
		return
	}
	title, start := p.inline(n), n.Lines().At(0).Start
	p.page.Sections = append(p.page.Sections, Section{Anchor: p.slug(title), Title: title, Level: n.Level, Line: p.lineOf(start)})
	p.starts = append(p.starts, bytes.LastIndexByte(p.source[:start], '\n')+1)
	if p.page.Title == "" {
		p.page.Title = title
	}
}

// cutSections gives every section its text and its sources.
func (p *parser) cutSections() {
	for i := range p.page.Sections {
		end := len(p.source)
		if i+1 < len(p.starts) {
			end = p.starts[i+1]
		}
		s := &p.page.Sections[i]
		s.Text = strings.TrimSpace(string(p.source[p.starts[i]:end]))
		s.Sources = sources(s.Text)
	}
}

// sourced matches the list of sources at the end of a section.
var (
	sourced = regexp.MustCompile("(?s)(?:^|\n)\\*\\*Source\\*\\*\n((?:- `[^`\n]+`[^\n]*(?:\n|$))+)\\s*$")
	source  = regexp.MustCompile("(?m)^- `([^`]+)`")
)

func sources(section string) (list []string) {
	found := sourced.FindStringSubmatch(section)
	if found == nil {
		return nil
	}
	for _, match := range source.FindAllStringSubmatch(found[1], -1) {
		list = append(list, match[1])
	}
	return list
}

// directive returns the text of the HTML comment that is directly before a block.
func (p *parser) directive(n ast.Node) string {
	comment, is := n.PreviousSibling().(*ast.HTMLBlock)
	if !is {
		return ""
	}
	text := strings.TrimSpace(p.raw(comment))
	inner, opens := strings.CutPrefix(text, "<!--")
	inner, closes := strings.CutSuffix(inner, "-->")
	if !opens || !closes {
		return ""
	}
	return strings.TrimSpace(inner)
}

// raw is the text of the lines of a block.
func (p *parser) raw(n ast.Node) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		b.Write(line.Value(p.source))
	}
	if html, is := n.(*ast.HTMLBlock); is && html.HasClosure() {
		b.Write(html.ClosureLine.Value(p.source))
	}
	return b.String()
}

// inline is the text of a node without its markup.
func (p *parser) inline(n ast.Node) string {
	var b strings.Builder
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		switch c := child.(type) {
		case *ast.Text:
			b.Write(c.Value(p.source))
			if c.SoftLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(c.Value)
		default:
			b.WriteString(p.inline(c))
		}
	}
	return b.String()
}

// slug is the anchor that GitHub gives a heading.
func (p *parser) slug(title string) string {
	slug := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsNumber(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, title)
	p.slugs[slug]++
	if earlier := p.slugs[slug] - 1; earlier > 0 {
		return fmt.Sprintf("%s-%d", slug, earlier)
	}
	return slug
}

func (p *parser) lineOf(offset int) int { return bytes.Count(p.source[:offset], []byte("\n")) + 1 }

// Resolve returns the file that a link of the page means, from the root of the
// repository, and the anchor in it. The file is empty if the link leaves the repository.
func (p Page) Resolve(target string) (file, anchor string) {
	file, anchor, _ = strings.Cut(target, "#")
	if here, ours := strings.CutPrefix(file, published); ours {
		return here, anchor
	}
	switch {
	case strings.Contains(file, "://"), strings.HasPrefix(file, "mailto:"):
		return "", ""
	case file == "":
		return p.Path, anchor
	}
	return path.Join(path.Dir(p.Path), file), anchor
}

// published is the address of the files of the repository.
const published = "https://github.com/aphex/aphex-pipeline/blob/main/"
