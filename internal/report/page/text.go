package page

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

// Longest texts on a page, in bytes.
const (
	longestName  = 160
	longestText  = 400
	longestError = 4000
)

// spare is how much longer a text may be before it is cleaned, which shortens it at most.
const spare = 4

// marks are characters that change the direction of what follows and that are no controls.
var marks = strings.NewReplacer("\u061c", `\u061c`, "\u200e", `\u200e`, "\u200f", `\u200f`)

// block returns a text of others as lines of text that only shows.
func block(text string, most int) string {
	text = text[:min(len(text), spare*most)]
	text = marks.Replace(screen.Inert(text))
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return '\ufffd'
		}
		return r
	}, text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return strings.TrimSpace(text)
}

// line is block on one line.
func line(text string, most int) string {
	text = text[:min(len(text), spare*most)]
	return block(strings.Join(strings.Fields(text), " "), most)
}

// duration returns a duration for people: 0.4s, 31s, 4m 5s, 3h 2m, 2d 4h.
func duration(d time.Duration) string {
	switch {
	case d <= 0:
		return "0s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	d = d.Round(time.Second)
	s, m, h := int(d/time.Second)%60, int(d/time.Minute)%60, int(d/time.Hour)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", s)
	case d < time.Hour:
		return pair(m, "m", s, "s")
	case h < 48:
		return pair(h, "h", m, "m")
	}
	return pair(h/24, "d", h%24, "h")
}

func pair(a int, unit string, b int, next string) string {
	if b == 0 {
		return fmt.Sprintf("%d%s", a, unit)
	}
	return fmt.Sprintf("%d%s %d%s", a, unit, b, next)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// at returns a time to the minute in UTC; "" for none.
func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// commitName matches a commit.
var commitName = regexp.MustCompile(`^[0-9a-f]{40}$`)

// short returns the first digits of a commit.
func short(commit string) string {
	if commitName.MatchString(commit) {
		return commit[:10]
	}
	return line(commit, 40)
}

// link returns the URL of a repository, or of a commit in it; "" if it is none that a
// browser may open. User names and passwords are left out.
func link(repository, commit string) string {
	u, err := url.Parse(repository)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.Opaque != "" {
		return ""
	}
	path := strings.TrimSuffix(strings.TrimSuffix(u.EscapedPath(), "/"), ".git")
	if commit != "" && (!commitName.MatchString(commit) || strings.Count(path, "/") != 2) {
		return ""
	}
	if commit != "" {
		path += "/commit/" + commit
	}
	return "https://" + u.Host + path
}
