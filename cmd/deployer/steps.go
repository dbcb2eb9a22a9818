package main

import (
	"context"
	"os"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/command/remote"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// runSteps runs the stages of a pod one after another, and returns the exit code.
func runSteps() int {
	ctx, stop := stage.SignalContext()
	defer stop()
	defer holdServers(ctx, os.Args[2:], os.Environ())()
	return stage.RunSteps(ctx, proc.Runner{}, os.Args[2:], os.Environ(), os.Stdout, os.Stderr)
}

// holdServers connects to the servers of commands that the stages use, until release is
// called: between two stages, a server must not take the end of the first for that of the
// pod. A server that only a later stage uses gets its secret now, as the containers of a pod
// share its network: once commands have run, one of them may come first, or listen in its
// place. That stage fails if the server did not get it.
func holdServers(ctx context.Context, args, environ []string) (release func()) {
	steps, err := stage.StepsOf(args, environ)
	if err != nil {
		return func() {} // RunSteps reports it
	}
	const address, secret = contract.EnvPrefix + "_COMMANDS", contract.EnvPrefix + "_COMMANDS_SECRET"
	first := last(steps[0].Env, address)
	releases := []func(){remote.Hold(ctx, first)}
	known := map[string]bool{"": true, first: true}
	for _, step := range steps[1:] {
		server := last(step.Env, address)
		if known[server] {
			continue
		}
		known[server] = true
		if _, end, err := remote.Open(ctx, server, last(step.Env, secret), nil); err == nil {
			releases = append(releases, end)
		}
	}
	return func() {
		for _, end := range releases {
			end()
		}
	}
}

// last returns the last value of a variable.
func last(env []string, name string) (value string) {
	for _, entry := range env {
		if text, is := strings.CutPrefix(entry, name+"="); is {
			value = text
		}
	}
	return value
}
