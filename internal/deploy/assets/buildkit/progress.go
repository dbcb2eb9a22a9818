package buildkit

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progressui"
	"github.com/opencontainers/go-digest"

	"github.com/aphex/aphex-pipeline/internal/command"
)

// progress prints a build as docker does without a terminal, and keeps which step failed.
type progress struct {
	failed *client.Vertex // the first step that failed

	outputs map[digest.Digest]*command.Tail // of steps that have not succeeded
}

// print prints all that comes, until the channel is closed.
func (p *progress) print(out io.Writer, from <-chan *client.SolveStatus) error {
	p.outputs = map[digest.Digest]*command.Tail{}
	display, err := progressui.NewDisplay(out, progressui.PlainMode)
	if err != nil {
		return fmt.Errorf("printing the progress of a build: %w", err)
	}
	shown := make(chan *client.SolveStatus)
	done := make(chan error, 1)
	go func() {
		_, err := display.UpdateFrom(context.Background(), shown) // ends with the channel
		done <- err
	}()
	for status := range from {
		p.note(status)
		shown <- status
	}
	close(shown)
	return <-done
}

func (p *progress) note(status *client.SolveStatus) {
	for _, line := range status.Logs {
		if p.outputs[line.Vertex] == nil {
			p.outputs[line.Vertex] = &command.Tail{}
		}
		_, _ = p.outputs[line.Vertex].Write(line.Data)
	}
	for _, step := range status.Vertexes {
		switch {
		case step.Completed == nil:
		case step.Error == "":
			delete(p.outputs, step.Digest)
		case p.failed == nil && !strings.Contains(step.Error, context.Canceled.Error()):
			p.failed = step
		}
	}
}

// step returns the name of the step that failed, for a message; "" if none did.
func (p *progress) step() string {
	if p.failed == nil {
		return ""
	}
	return fmt.Sprintf(", step %q", p.failed.Name)
}

// last returns the last lines of the step that failed, for the end of a message.
func (p *progress) last() string {
	if p.failed == nil || p.outputs[p.failed.Digest] == nil {
		return ""
	}
	return command.Quoted(p.outputs[p.failed.Digest].Last())
}
