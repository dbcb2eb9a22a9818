package usage

import (
	"embed"
	"strings"
)

//go:embed complete.bash complete.zsh complete.fish
var scripts embed.FS

// Script returns the script that completes the program's command lines in a shell: bash, zsh or fish. It calls the
// program's verb "complete" with the words after the program's name.
func Script(program, shell string) (string, error) {
	text, err := scripts.ReadFile("complete." + shell)
	return strings.ReplaceAll(string(text), "PROGRAM", program), err
}
