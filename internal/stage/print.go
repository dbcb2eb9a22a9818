package stage

import (
	"fmt"
	"io"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

// PrintError prints an error and its hint. All programs print errors with it;
// progress and logs follow the same rules of voice:
//
//   - Results go to stdout, everything else to stderr.
//   - A line is lower case without a full stop; only headings begin with a capital.
//   - An error states what happened and where; the hint below it, what to do next.
//   - Present tense, active voice, imperative hints that can be copied and run.
//   - Use the terms of AWS, Kubernetes, Argo and the CDK, and their spelling.
//   - Name the object first, then what became of it: "sensor/shop created".
//   - No blame, no joke, no apology, and never a secret.
func PrintError(w io.Writer, err error) { printError(w, err, errs.HintOf(err)) }

func printError(w io.Writer, err error, hint string) {
	w = screen.NewInertWriter(w) // it names files, stacks and branches of others
	fmt.Fprintf(w, "error: %v\n", err)
	if hint != "" {
		fmt.Fprintf(w, "  hint: %s\n", strings.ReplaceAll(hint, "\n", "\n        "))
	}
}
