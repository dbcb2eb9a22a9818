package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/aphex/aphex-pipeline/internal/account"
	"github.com/aphex/aphex-pipeline/internal/fault"
)

// deleteCmd removes a pipeline.
type deleteCmd struct {
	liveFlags
	AWS    bool `name:"aws" help:"Also remove the pipeline's AWS side. The bucket stays, with what was deployed."`
	Bucket bool `help:"With --aws: also empty and remove the bucket."`
	Yes    bool `short:"y" help:"Do not ask."`
}

// Help teaches the verb.
func (deleteCmd) Help() string {
	return `Removes every object that bears this pipeline's label, whatever its name, and nothing else. Runs that
are over go with it. One that is under way is left and can no longer do anything: stop it first, or
wait for it. What was deployed to the environments stays.

Examples:

  generator delete
  generator delete --aws
  generator delete --aws --bucket --yes`
}

// Validate refuses a bucket without its AWS side.
func (c deleteCmd) Validate() error {
	if c.Bucket && !c.AWS {
		return fault.Invalidf("--bucket is given without --aws")
	}
	return nil
}

// Run asks and removes.
func (c deleteCmd) Run(ctx context.Context, std streams) error {
	l, err := c.open(ctx)
	if err != nil {
		return err
	}
	if err := c.confirm(ctx, std, l); err != nil {
		return err
	}
	changes, err := l.cluster.Delete(ctx, l.names.Pipeline, l.cfg.ArgoNamespace, l.cfg.ArgoEventsNamespace)
	tellChanges(std, changes)
	if err != nil || !c.AWS {
		return err
	}
	base, err := account.Load(ctx, l.place.Region)
	if err != nil {
		return err
	}
	if err := removeStack(ctx, base, std, l.names.Stack); err != nil {
		return err
	}
	if !c.Bucket {
		fmt.Fprintf(std.err, "bucket %s stays\n", l.place.Bucket)
		return nil
	}
	return removeBucket(ctx, base, std, l.place.Bucket)
}

func (c deleteCmd) confirm(ctx context.Context, std streams, l live) error {
	what := fmt.Sprintf("Remove the pipeline %s from %s", l.names.Pipeline, l.address)
	if c.AWS {
		what += ", and its stack " + l.names.Stack
	}
	if c.Bucket {
		what += ", and the bucket " + l.place.Bucket + " with all artifacts and records"
	}
	return ask(ctx, std, what+"?", c.Yes)
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
