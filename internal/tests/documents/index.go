package documents

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// sectionWords is the most that a section may have, so that it can be retrieved and read on its own.
const sectionWords = 400

// Problems are the breaches of the contract of a page of docs, as sentences.
func (p Page) Problems() (found []string) {
	if len(p.Sections) == 0 || p.Sections[0].Level != 1 {
		return []string{p.Path + ": the page does not begin with its title"}
	}
	seen := map[string]bool{}
	for i, s := range p.Sections {
		place := fmt.Sprintf("%s:%d: section %q", p.Path, s.Line, s.Title)
		if s.Level == 1 && i > 0 {
			found = append(found, place+" is a second title")
		}
		if words := s.Words(); words > sectionWords {
			found = append(found, fmt.Sprintf("%s has %d words: split it, as one has at most %d", place, words, sectionWords))
		}
		if seen[s.Title] {
			found = append(found, place+" has the heading of another one, so its anchor depends on their order")
		}
		seen[s.Title] = true
	}
	if len(p.Sections[len(p.Sections)-1].Sources) == 0 {
		found = append(found, p.Path+": the page does not end with its sources: **Source**, and a list of files and folders in backquotes")
	}
	return found
}

// index is the document docs/index.json.
type index struct {
	Version int           `json:"version"`
	Pages   []indexedPage `json:"pages"`
}

type indexedPage struct {
	Path     string           `json:"path"`
	Title    string           `json:"title"`
	Sources  []string         `json:"sources"`
	Digest   string           `json:"digest"` // of the digests of the sections
	Sections []indexedSection `json:"sections"`
}

type indexedSection struct {
	Anchor  string   `json:"anchor"`
	Title   string   `json:"title"`
	Level   int      `json:"level"`
	Words   int      `json:"words"`
	Digest  string   `json:"digest"`
	Sources []string `json:"sources,omitempty"` // if it lists its own
}

// Index returns docs/index.json for the pages of docs: what an ingester needs to follow
// the changes of each section.
func Index(pages []Page) ([]byte, error) {
	all := index{Version: 1}
	for _, p := range pages {
		if !p.InIndex() {
			continue
		}
		page, digests := indexedPage{Path: p.Path, Title: p.Title, Sources: []string{}}, ""
		for _, s := range p.Sections {
			section := indexedSection{s.Anchor, s.Title, s.Level, s.Words(), digest(s.Text), s.Sources}
			page.Sections = append(page.Sections, section)
			digests += section.Digest + "\n"
			for _, source := range s.Sources {
				if !slices.Contains(page.Sources, source) {
					page.Sources = append(page.Sources, source)
				}
			}
		}
		page.Digest = digest(digests)
		all.Pages = append(all.Pages, page)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(all); err != nil {
		return nil, fmt.Errorf("writing the index of the documents: %w", err)
	}
	return text.Bytes(), nil
}

// InIndex reports whether the page is one of docs, for which the contract holds.
func (p Page) InIndex() bool { return strings.HasPrefix(p.Path, "docs/") }

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}
