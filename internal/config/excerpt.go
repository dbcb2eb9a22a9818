package config

import (
	"fmt"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// excerptWidth is the number of characters of a line to print around a problem.
const excerptWidth = 100

// excerpt is the line of a problem with a caret below it.
type excerpt struct{ line, caret string }

// excerptOf returns the part of a line around a problem. Column is counted from 1,
// width is the number of characters that the caret marks.
func excerptOf(line string, column, width int) excerpt {
	chars := []rune(line)
	start := min(column-1, len(chars))
	from := 0
	if len(chars) > excerptWidth {
		from = max(0, start-excerptWidth/2)
	}
	to := min(len(chars), from+excerptWidth)
	shown, indent := printable(string(chars[from:to])), start-from
	if from > 0 {
		shown, indent = "…"+shown, indent+1
	}
	if to < len(chars) {
		shown += "…"
	}
	marked := max(1, min(width, to-start))
	return excerpt{line: shown, caret: strings.Repeat(" ", indent) + strings.Repeat("^", marked)}
}

func (e excerpt) format(line int) string {
	number := fmt.Sprintf("%4d", line)
	blank := strings.Repeat(" ", len(number))
	return fmt.Sprintf("%s | %s\n%s | %s\n", number, e.line, blank, e.caret)
}

// printable replaces characters that could move the cursor of a terminal or change
// the direction of the text, and keeps columns.
func printable(line string) string {
	return strings.Map(func(char rune) rune {
		switch {
		case char == '\t':
			return ' '
		case !unicode.IsPrint(char):
			return '·'
		}
		return char
	}, line)
}

// widthOf returns the number of characters that a caret below the node marks.
func widthOf(node *yaml.Node) int {
	if node.Kind != yaml.ScalarNode || node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return 1
	}
	width := len([]rune(node.Value))
	if node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		width += 2
	}
	return width
}
