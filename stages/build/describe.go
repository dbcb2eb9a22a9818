package build

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// describe makes the document that lies beside the artifact.
func describe(ctx context.Context, in Input, commands []checkout.CommandResult, artifacts []bucket.File) bucket.Metadata {
	m := bucket.Metadata{
		Commit: in.Commit, Branch: in.Branch, Repository: in.Repository, Timestamp: time.Now().UTC(),
		Artifacts: artifacts, Tools: versions(ctx),
	}
	for _, command := range commands {
		m.Commands = append(m.Commands, bucket.Command{Command: command.Command, Seconds: command.Seconds, ExitCode: command.ExitCode})
	}
	return m
}

// tools are the programs whose version tells later why a build came out differently.
var tools = map[string][]string{
	"node": {"--version"}, "npm": {"--version"}, "python3": {"--version"}, "git": {"--version"}, "go": {"version"}, "docker": {"--version"},
}

// answerTime is how long a tool may take to tell its version.
const answerTime = 5 * time.Second

// versions asks the tools that are there; one that does not answer in time is left out.
func versions(ctx context.Context) map[string]string {
	found := map[string]string{"builder": stage.Version()}
	var mu sync.Mutex
	var all sync.WaitGroup
	for name, args := range tools {
		all.Go(func() {
			var out bytes.Buffer
			err := proc.Run(ctx, proc.Command{Args: append([]string{name}, args...), Stdout: &out, Limit: answerTime, Grace: time.Second})
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			found[name], _, _ = strings.Cut(strings.TrimSpace(out.String()), "\n")
		})
	}
	all.Wait()
	return found
}
