package build

import (
	"context"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/artifact"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/workspace"
)

// describe makes the document that lies beside the artifact.
func describe(ctx context.Context, in Input, commands []workspace.CommandResult, artifacts []artifact.File) artifact.Metadata {
	m := artifact.Metadata{
		Commit: in.Commit, Branch: in.Branch, Repository: in.Repository, Timestamp: time.Now().UTC(),
		Artifacts: artifacts, Tools: versions(ctx),
	}
	for _, command := range commands {
		m.Commands = append(m.Commands, artifact.Command{Command: command.Command, Seconds: command.Seconds, ExitCode: command.ExitCode})
	}
	return m
}

// tools are the programs whose version tells later why a build came out differently.
var tools = map[string][]string{
	"node": {"--version"}, "npm": {"--version"}, "python3": {"--version"}, "git": {"--version"}, "go": {"version"}, "docker": {"--version"},
}

// versions asks the tools that are there; one that does not answer within five
// seconds is left out.
func versions(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	found := map[string]string{"builder": stage.Version()}
	var mu sync.Mutex
	var all sync.WaitGroup
	for name, args := range tools {
		all.Go(func() {
			out, err := exec.CommandContext(ctx, name, args...).Output()
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			found[name], _, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
		})
	}
	all.Wait()
	return found
}
