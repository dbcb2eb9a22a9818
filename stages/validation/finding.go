package validation

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Severity says what a finding means for the run.
type Severity string

const (
	// Error stops the run.
	Error Severity = "error"
	// Warning is worth a look.
	Warning Severity = "warning"
)

// Finding is something that a check found: where, what, and how to mend it.
type Finding struct {
	Severity  Severity `json:"severity"`
	Check     string   `json:"check"` // configuration, app, context, tools, account or bootstrap
	Where     string   `json:"where"` // file:line:column, or the environment
	What      string   `json:"what"`
	Fix       string   `json:"fix,omitempty"`
	Temporary bool     `json:"temporary,omitempty"` // the check could not be made just now
}

func place(file string, p config.Problem) string {
	return fmt.Sprintf("%s:%d:%d", file, p.Line, p.Column)
}

// verdict is the error that the findings amount to. Where all that stands
// against the run is temporary, another try may find it fit.
func verdict(found []Finding) error {
	var errors, temporary int
	var first Finding
	for _, finding := range found {
		if finding.Severity != Error {
			continue
		}
		if errors == 0 {
			first = finding
		}
		errors++
		if finding.Temporary {
			temporary++
		}
	}
	if errors == 0 {
		return nil
	}
	kind := errs.Invalidf
	if temporary == errors {
		kind = errs.Temporaryf
	}
	rest := ""
	if errors > 1 {
		rest = fmt.Sprintf(" (and %d more)", errors-1)
	}
	return kind("the commit is not fit to run: %s: %s%s", first.Where, first.What, rest).WithHint("%s", first.Fix)
}

// report writes the findings for a person or for a machine.
func report(w io.Writer, format string, found []Finding) error {
	if format == "json" {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(map[string]any{"findings": found})
	}
	if len(found) == 0 {
		_, err := fmt.Fprintln(w, "nothing found: the commit is fit to run")
		return err
	}
	for _, finding := range found {
		fmt.Fprintf(w, "%s: %s: %s\n", finding.Severity, finding.Where, finding.What)
		if finding.Fix != "" {
			fmt.Fprintf(w, "  fix: %s\n", finding.Fix)
		}
	}
	return nil
}
