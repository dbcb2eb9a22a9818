package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/manifest"
)

// lines prints the progress of apply and delete, a line each: lower case, no
// full stop, the object in front of what became of it.
type lines struct{ w io.Writer }

func (l lines) Checked(c kube.Check) {
	switch {
	case c.Problem == "":
		fmt.Fprintf(l.w, "  ok       %s\n", c.What)
	case c.Failed():
		fmt.Fprintf(l.w, "  failed   %s: %s\n           %s\n", c.What, c.Problem, c.Fix)
	default:
		fmt.Fprintf(l.w, "  warning  %s: %s\n           %s\n", c.What, c.Problem, c.Fix)
	}
}

func (l lines) Started(part install.Part, _ string) {
	if part == install.Webhook {
		fmt.Fprintf(l.w, "waiting until a push would be received\n")
	}
}

func (l lines) Resource(status, logicalID, reason string) {
	fmt.Fprintf(l.w, "  %-16s %s %s\n", strings.ToLower(status), logicalID, reason)
}

func (l lines) Changed(_ install.Part, c manifest.Change) {
	fmt.Fprintf(l.w, "%s %s\n", c.Object, c.Action)
}

func (l lines) Ready() {
	fmt.Fprintf(l.w, "the webhook listens and the Sensor has subscribed: the next push starts a run\n")
}

func (l lines) Note(text string) { fmt.Fprintf(l.w, "note: %s\n", text) }

// sections prints the progress of bootstrap: a heading for each part, with what
// became of it indented below.
type sections struct{ lines }

func (s sections) Started(part install.Part, subject string) {
	switch part {
	case install.Stack:
		fmt.Fprintf(s.w, "\nStack %s\n", subject)
	case install.Secret:
		fmt.Fprintf(s.w, "\nSecret %s\n", subject)
	case install.Objects:
		fmt.Fprintf(s.w, "\nObjects\n")
	case install.Address:
		fmt.Fprintf(s.w, "\nWaiting for the address of the webhook\n")
	default:
		fmt.Fprintf(s.w, "\n")
		s.lines.Started(part, subject)
	}
}

func (s sections) Changed(part install.Part, c manifest.Change) {
	if part == install.Objects {
		fmt.Fprintf(s.w, "  %-9s %s\n", c.Action, c.Object)
		return
	}
	fmt.Fprintf(s.w, "  %s\n", c.Action)
}

// planned prints what is about to be installed.
func (s sections) planned(p install.Plan) {
	fmt.Fprintf(s.w, "\nTo be brought\n  stack    %s in account %s, %s: bucket %s, roles, webhook secret\n", p.Stack, p.Place.Account, p.Place.Region, p.Place.Bucket)
	fmt.Fprintf(s.w, "  secret   %s in namespace %s\n", p.Secret.Name, p.Secret.Namespace)
	for _, difference := range p.Differences {
		fmt.Fprintf(s.w, "  %-8s %s\n", difference.Action, difference.Object)
	}
	if len(p.Differences) == 0 {
		fmt.Fprintf(s.w, "  objects  all there already\n")
	}
}

// ask waits for a yes on the terminal.
func ask(ctx context.Context, std streams, question string, yes bool) error {
	if yes {
		return nil
	}
	file, ok := std.in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return fault.Invalidf("nobody can be asked: standard input is no terminal").WithHint("--yes answers: %s", question)
	}
	fmt.Fprintf(std.err, "%s [y/N] ", question)
	agreed, err := agrees(ctx, file)
	if err == nil && !agreed {
		return fault.Failedf("nothing was done")
	}
	return err
}

// agrees waits for a line on the terminal, or for the end of the context.
func agrees(ctx context.Context, terminal *os.File) (bool, error) {
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(terminal).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		return false, fault.Cancelledf("stopped before an answer was given: %w", ctx.Err())
	case text := <-answer:
		return text == "y" || text == "yes", nil
	}
}
