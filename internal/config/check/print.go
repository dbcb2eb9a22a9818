package check

import (
	"fmt"
	"io"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
	"github.com/aphex/aphex-pipeline/stages/validation"
)

// list writes the problems for a person, each with its line and a caret below the value.
func list(w io.Writer, found []Problem) error {
	for _, problem := range found {
		place, rest, _ := strings.Cut(problem.String(), ": ")
		if _, err := fmt.Fprintf(w, "%s: %s: %s", place, problem.Severity, rest); err != nil {
			return err
		}
	}
	return nil
}

// annotate writes the problems as commands to GitHub Actions, which shows each beside its line of the pull request.
func annotate(w io.Writer, found []Problem) error {
	for _, problem := range found {
		properties := "file=" + property(repository.PathOf(problem.File))
		if problem.Line > 0 {
			properties += fmt.Sprintf(",line=%d,col=%d", problem.Line, problem.Column)
		}
		message := problem.Message
		if problem.Hint != "" {
			message += "\n" + problem.Hint
		}
		level := "error"
		if problem.Severity == validation.Warning {
			level = "warning"
		}
		if _, err := fmt.Fprintf(w, "::%s %s::%s\n", level, properties, data(message)); err != nil {
			return err
		}
	}
	return nil
}

// data escapes a text for a command to GitHub Actions, as its toolkit does (core, command.ts).
func data(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

func property(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(text))
}
