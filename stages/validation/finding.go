package validation

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Severity is the effect of a finding on the run.
type Severity string

const (
	// Error stops the run.
	Error Severity = "error"
	// Warning does not stop the run.
	Warning Severity = "warning"
)

// Finding is a result of a check: where, what, and how to fix it.
type Finding struct {
	Severity  Severity `json:"severity"`
	Check     string   `json:"check"` // configuration, policy, app, context, tools, webhook, image, account, bootstrap or github
	Where     string   `json:"where"` // file:line:column, or the environment
	What      string   `json:"what"`
	Fix       string   `json:"fix,omitempty"`
	Temporary bool     `json:"temporary,omitempty"` // the check may succeed when retried
	Path      string   `json:"-"`                   // of the value in the configuration, if one is at fault
}

func place(file string, p config.Problem) string {
	return fmt.Sprintf("%s:%d:%d", file, p.Line, p.Column)
}

// verdict returns the error for the findings. It is temporary if all of them are.
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
	return kind("validation failed: %s: %s%s", first.Where, first.What, rest).WithHint("%s", first.Fix)
}

// report writes the findings as text or as JSON.
func report(w io.Writer, format string, found []Finding) error {
	if format == "json" {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(map[string]any{"findings": found})
	}
	if len(found) == 0 {
		_, err := fmt.Fprintln(w, "the commit is valid: no findings")
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
