package synth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/assembly"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/proc"
)

// maxTail is how much of a command's last error output is kept for the message.
const maxTail = 64 << 10

// tailWriter keeps the last maxTail bytes written to it.
type tailWriter struct{ kept []byte }

func (w *tailWriter) Write(p []byte) (int, error) {
	w.kept = append(w.kept, p...)
	if len(w.kept) > 2*maxTail {
		w.kept = append([]byte(nil), w.kept[len(w.kept)-maxTail:]...)
	}
	return len(p), nil
}

func (w *tailWriter) String() string { return string(w.kept) }

// errorLine is how Node.js, Python, Java and .NET announce what went wrong.
var errorLine = regexp.MustCompile(`^\s*(?:Exception in thread "[^"]*" |Unhandled exception\. )?((?:[\w.]*(?:Error|Exception|Failure))(?: \[\w+\])?: .+)$`)

// libraryLine is how aws-cdk-lib announces an error of its own.
var libraryLine = regexp.MustCompile(`^\[?«\w+» (.+)$`)

// explain makes of a failed command an error that tells the app's own words.
func explain(ctx context.Context, err error, what, line, dir, stderr, errorFile string) error {
	var exit *proc.ExitError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("running %s: %w", what, err)
	case !errors.As(err, &exit):
		return fault.Failedf("running %s (%q in %s): %w", what, line, dir, err)
	}
	said := gist(stderr)
	if code := firstLine(errorFile); code != "" {
		said = strings.TrimSuffix(code+": "+said, ": ")
	}
	if said == "" {
		said = "it printed no error"
	}
	failed := &fault.Error{Kind: fault.Failed, Message: fmt.Sprintf("%s failed (exit code %d): %s", what, exit.Code, said), Err: err}
	if exit.Code == 127 {
		return failed.WithHint("%q was not found in %s: do the build commands install it?", line, dir)
	}
	return failed.WithHint("run %q in %s to see the same error", line, dir)
}

// gist picks the sentence that matters out of a program's error output.
func gist(stderr string) string {
	last := ""
	for text := range strings.Lines(stderr) {
		text = strings.TrimRight(text, "\r\n")
		for _, form := range []*regexp.Regexp{libraryLine, errorLine} {
			if found := form.FindStringSubmatch(text); found != nil {
				return shorten(found[1])
			}
		}
		if strings.TrimSpace(text) != "" {
			last = strings.TrimSpace(text)
		}
	}
	return shorten(last)
}

func shorten(text string) string {
	const most = 500
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// firstLine reads what the app wrote into CDK_ERROR_FILE: the name of the error.
func firstLine(file string) string {
	src, err := os.ReadFile(file)
	if err != nil {
		return "" // the app wrote none, as older versions of aws-cdk-lib do
	}
	line, _, _ := strings.Cut(string(src), "\n")
	return strings.TrimSpace(line)
}

func hintOf(err error) string {
	var typed *assembly.Error
	if errors.As(err, &typed) {
		return typed.Hint
	}
	return ""
}
