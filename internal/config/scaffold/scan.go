package scaffold

import "strings"

// withoutComments blanks the comments of a source, so that examples in them, as in the
// CDK's templates, are not read as code. String literals stay.
func withoutComments(source string, python bool) string {
	out := []byte(source)
	for i := 0; i < len(out); {
		end := i + 1
		switch {
		case strings.IndexByte("\"'`", out[i]) >= 0:
			end = endOfText(source, i)
		case python && out[i] == '#', !python && strings.HasPrefix(source[i:], "//"):
			end = blank(out, i, lineEnd(source, i))
		case !python && strings.HasPrefix(source[i:], "/*"):
			end = blank(out, i, after(source, i+2, "*/"))
		}
		i = end
	}
	return string(out)
}

// withoutLiterals blanks string literals, so that code in them, such as a template of an
// app, is not read as the app's. An unterminated literal stays: its quote was probably
// not one.
func withoutLiterals(source string, l *language) string {
	out := []byte(source)
	unterminated := 0 // template literals
	for i := 0; i < len(out); {
		end := i + 1
		switch mark := out[i]; {
		case mark == '`' && l.name == "TypeScript":
			if unterminated < maxUnterminated {
				if last, ends := endOfTemplate(source, i); ends {
					end = last
				} else {
					unterminated++
				}
			}
		case mark == '`' && l.name == "Go", mark == '"', mark == '\'':
			end = endOfText(source, i)
		}
		if end-i > 2 && source[end-1] == source[i] {
			blank(out, i+1, end-1)
		}
		i = end
	}
	return string(out)
}

// maxUnterminated is the number of unterminated template literals after which backquotes in
// a file are ignored: each is searched up to the end of the file.
const maxUnterminated = 10

// endOfTemplate returns the offset after the template literal that begins at start, which
// may contain others in its ${…}, and whether it ends.
func endOfTemplate(source string, start int) (end int, ends bool) {
	depths := []int{0} // of braces in ${…}, one for each literal that is open
	for i := start + 1; i < len(source); {
		next, last := i+1, len(depths)-1
		switch c := source[i]; {
		case c == '\\':
			next++
		case depths[last] == 0 && c == '`':
			if last == 0 {
				return next, true
			}
			depths = depths[:last]
		case depths[last] == 0 && strings.HasPrefix(source[i:], "${"):
			depths[last], next = 1, i+2
		case depths[last] > 0 && c == '`':
			depths = append(depths, 0)
		case depths[last] > 0 && (c == '"' || c == '\''):
			next = endOfText(source, i)
		case depths[last] > 0 && c == '{':
			depths[last]++
		case depths[last] > 0 && c == '}':
			depths[last]--
		}
		i = next
	}
	return len(source), false
}

// endOfText returns the offset after the literal that begins at start. A literal in simple
// quotes ends at the end of the line at the latest.
func endOfText(source string, start int) int {
	mark := source[start : start+1]
	if triple := strings.Repeat(mark, 3); strings.HasPrefix(source[start:], triple) {
		return after(source, start+3, triple)
	}
	for i := start + 1; i < len(source); i++ {
		switch {
		case source[i] == '\\':
			i++
		case source[i] == mark[0]:
			return i + 1
		case source[i] == '\n' && mark != "`":
			return i
		}
	}
	return len(source)
}

// callLimit is how much of a call is read, in bytes.
const callLimit = 16 << 10

// closing returns the offset after the bracket that closes the one at open, or the limit
// if none does.
func closing(text string, open, limit int) int {
	limit = min(limit, len(text))
	text = text[:limit]
	depth := 0
	for i := open; i < limit; {
		next := i + 1
		switch text[i] {
		case '"', '\'', '`':
			next = endOfText(text, i)
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth == 0 {
				return next
			}
		}
		i = next
	}
	return limit
}

// split cuts a text at a mark that is outside literals and brackets.
func split(text string, mark byte) []string {
	var parts []string
	depth, start := 0, 0
	for i := 0; i < len(text); {
		next := i + 1
		switch c := text[i]; {
		case c == '"' || c == '\'' || c == '`':
			next = min(endOfText(text, i), len(text))
		case strings.IndexByte("([{", c) >= 0:
			depth++
		case strings.IndexByte(")]}", c) >= 0:
			depth--
		case c == mark && depth == 0:
			parts, start = append(parts, strings.TrimSpace(text[start:i])), next
		}
		i = next
	}
	if last := strings.TrimSpace(text[start:]); last != "" {
		parts = append(parts, last)
	}
	return parts
}

func blank(out []byte, start, end int) int {
	for i := start; i < end; i++ {
		if out[i] != '\n' {
			out[i] = ' '
		}
	}
	return end
}

// lineEnd returns the offset of the end of the line at start.
func lineEnd(source string, start int) int {
	start = min(start, len(source))
	if length := strings.IndexByte(source[start:], '\n'); length >= 0 {
		return start + length
	}
	return len(source)
}

// after returns the offset after the next mark, or the end.
func after(source string, start int, mark string) int {
	if length := strings.Index(source[min(start, len(source)):], mark); length >= 0 {
		return start + length + len(mark)
	}
	return len(source)
}
