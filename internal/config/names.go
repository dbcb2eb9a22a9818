package config

import (
	"fmt"
	"net/netip"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
)

// pathProblem returns why a path is not inside the repository, or "".
func pathProblem(path string) string {
	switch {
	case strings.ContainsFunc(path, func(char rune) bool { return !unicode.IsPrint(char) }):
		return "has a character that cannot be seen"
	case strings.HasPrefix(path, "/"):
		return "is absolute"
	case strings.Contains(path, `\`):
		return "has a backslash"
	case strings.Contains(path, "{{"):
		return "contains {{"
	case strings.HasPrefix(path, "-"):
		return "begins with a hyphen"
	case !filepath.IsLocal(path):
		return "leads out of the repository"
	}
	return ""
}

// cachePathProblem returns why a text is not a folder that can be cached, or "".
func cachePathProblem(folder string) string {
	inside, _ := strings.CutPrefix(folder, "~/")
	if path.Clean(inside) == "." {
		return "is the whole of it, and not a folder inside"
	}
	return pathProblem(inside)
}

// stackNameProblem returns why a text with valid characters is not a stack's name,
// construct path or pattern, or "".
func stackNameProblem(name string) string {
	plain := !strings.ContainsAny(name, "*?[{")
	switch {
	case strings.Contains(name, "{{"):
		return "contains {{"
	case plain && !strings.Contains(name, "/") && len(name) > 128:
		return "is longer than the 128 characters of a name"
	case plain && strings.ContainsAny(name, "!,]}"):
		return "has a sign of a pattern, but is none"
	case strings.Contains(name, "//"), strings.HasSuffix(name, "/"):
		return "has an empty part"
	case strings.Count(name, "{") != strings.Count(name, "}"), strings.Count(name, "[") != strings.Count(name, "]"):
		return "has a bracket that is not closed"
	}
	return ""
}

func nulProblem(command string) string {
	if strings.ContainsRune(command, 0) {
		return "has a NUL character"
	}
	return ""
}

// bucketProblem checks the rules of S3 that a pattern cannot express.
func bucketProblem(name string) string {
	if strings.Contains(name, "..") {
		return "has two dots in a row"
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return "is an IP address"
	}
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, prefix) {
			return "begins with " + prefix + " (reserved by S3)"
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, suffix) {
			return "ends with " + suffix + " (reserved by S3)"
		}
	}
	return ""
}

func repositoryProblem(name string) string {
	if strings.HasSuffix(name, ".git") {
		return "ends with .git"
	}
	return ""
}

// branchProblem checks the rules of git-check-ref-format(1), and rejects names that
// look like an option or a template expression.
func branchProblem(name string) string {
	for _, never := range []string{"..", "@{", "//", "{{"} {
		if strings.Contains(name, never) {
			return "contains " + never
		}
	}
	switch {
	case strings.HasPrefix(name, "-"):
		return "begins with a hyphen"
	case strings.HasPrefix(name, "refs/"):
		return "begins with refs/"
	case strings.HasSuffix(name, "."), strings.HasSuffix(name, "/"):
		return "ends with " + name[len(name)-1:]
	case name == "@", name == "HEAD":
		return "means something else to git"
	}
	for _, part := range strings.Split(name, "/") {
		if strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return "has a part that begins with a dot or ends with .lock"
		}
	}
	return ""
}

// ownerHint is the hint for a value copied from a browser's address bar.
func ownerHint(_ rule, text string) string {
	text = strings.TrimSuffix(strings.TrimSuffix(text, "/"), ".git")
	parts := strings.FieldsFunc(text, func(char rune) bool { return char == '/' || char == ':' })
	if len(parts) < 2 {
		return ""
	}
	return fmt.Sprintf("owner and repository are two keys: `githubOwner: %s`, `githubRepo: %s`",
		shorten(parts[len(parts)-2]), shorten(parts[len(parts)-1]))
}

var zone = regexp.MustCompile(`^[a-z-]+-[0-9]+[a-z]$`)

func regionHint(r rule, text string) string {
	if zone.MatchString(text) {
		return "this is an availability zone; its region is " + text[:len(text)-1]
	}
	if meant := nearest(text, regions); meant != "" {
		return "did you mean " + meant + "?"
	}
	return tidyHint(r, text)
}

// tidyHint suggests the text in lower case and with hyphens, if that is valid.
func tidyHint(r rule, text string) string {
	tidied := strings.ToLower(strings.NewReplacer("_", "-", " ", "-").Replace(strings.TrimSpace(text)))
	if broken, _ := r.broken(tidied); broken {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", tidied)
}
