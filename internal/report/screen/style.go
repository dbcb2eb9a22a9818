package screen

// Style is a style of text on a terminal: parameters of the control function
// "select graphic rendition" of ECMA-48.
type Style string

// Styles of text.
const (
	Bold    Style = "1"
	Dim     Style = "2"
	Red     Style = "31"
	Green   Style = "32"
	Yellow  Style = "33"
	Cyan    Style = "36"
	BoldRed Style = "1;31"
)

// Paint returns the text in the style. Without a style or a text, it returns the text.
func (s Style) Paint(text string) string {
	if s == "" || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + styleEnd
}
