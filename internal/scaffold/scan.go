package scaffold

import "strings"

// withoutComments blanks the comments of a source out, so that an example in
// one, as the CDK's templates have it, is not taken for code. Texts stay.
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

// endOfText gives the offset behind the text that begins at start. A text in
// simple quotes ends with its line at the latest.
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

// callLimit is how much of a call is looked at, in bytes.
const callLimit = 16 << 10

// callAt gives a call with its arguments: from start to the parenthesis that
// closes the first one opened.
func callAt(source string, start int) string {
	source = source[:min(len(source), start+callLimit)]
	depth := 0
	for i := start; i < len(source); {
		next := i + 1
		switch source[i] {
		case '"', '\'', '`':
			next = endOfText(source, i)
		case '(':
			depth++
		case ')':
			depth--
			if depth == 0 {
				return source[start:next]
			}
		}
		i = next
	}
	return source[start:]
}

func blank(out []byte, start, end int) int {
	for i := start; i < end; i++ {
		if out[i] != '\n' {
			out[i] = ' '
		}
	}
	return end
}

func lineEnd(source string, start int) int {
	if length := strings.IndexByte(source[start:], '\n'); length >= 0 {
		return start + length
	}
	return len(source)
}

// after gives the offset behind the next mark, or the end.
func after(source string, start int, mark string) int {
	if length := strings.Index(source[min(start, len(source)):], mark); length >= 0 {
		return start + length + len(mark)
	}
	return len(source)
}
