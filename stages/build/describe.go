package build

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// describe returns the metadata of the artifact.
func (d Deps) describe(ctx context.Context, in Input, commands []checkout.CommandResult, artifacts []bucket.File) bucket.Metadata {
	m := bucket.Metadata{
		Commit: in.Commit, Branch: in.Branch, Repository: in.Repository, Timestamp: time.Now().UTC(),
		Artifacts: artifacts, Tools: versions(ctx, d.Runner),
	}
	for _, c := range commands {
		m.Commands = append(m.Commands, bucket.Command{Command: c.Command, Seconds: c.Seconds, ExitCode: c.ExitCode})
	}
	return m
}

// tools are the programs whose versions are recorded with the build.
var tools = map[string][]string{
	"node": {"--version"}, "npm": {"--version"}, "python3": {"--version"}, "git": {"--version"}, "go": {"version"}, "docker": {"--version"},
}

// answerTime is how long a tool may take to print its version.
const answerTime = 5 * time.Second

// versions returns the versions of the installed tools that respond in time.
func versions(ctx context.Context, runner command.Runner) map[string]string {
	found := map[string]string{"builder": stage.Version()}
	var mu sync.Mutex
	var all sync.WaitGroup
	for name, args := range tools {
		all.Go(func() {
			out := &command.Tail{} // the build may have replaced the tool
			err := runner.Run(ctx, command.Command{Args: append([]string{name}, args...), Stdout: out, Limit: answerTime, Grace: time.Second})
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
