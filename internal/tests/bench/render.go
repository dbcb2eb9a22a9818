package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// renderLimit is how many milliseconds the largest pipeline may take to render.
const renderLimit = 500

// benchRender renders the largest pipeline, from the start of the program to its end. Their side is the limit.
func benchRender(ctx context.Context, log *slog.Logger, o options, scratch string) ([]result, error) {
	file := filepath.Join(scratch, "largest.yaml")
	if err := os.WriteFile(file, []byte(largest(200, 50)), 0o644); err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	return measureAll(ctx, log, []pair{{
		Name: "render 200 × 50", Unit: "ms", Limit: 1, Theirs: constant(renderLimit),
		Ours: func(ctx context.Context) (float64, error) {
			command := exec.CommandContext(ctx, filepath.Join(o.bin, "generator"), "render", "--config", file, "--account", "111111111111", "--region", region)
			var talk strings.Builder
			command.Stderr = &talk
			start := time.Now()
			if err := command.Run(); err != nil {
				return 0, fmt.Errorf("rendering: %w: %s", err, talk.String())
			}
			return float64(time.Since(start).Microseconds()) / 1000, nil
		},
	}}, o.runs)
}

// largest is a configuration of so many environments, each with so many stacks.
func largest(environments, stacks int) string {
	var text strings.Builder
	text.WriteString("version: \"1.0\"\ngithubOwner: owner\ngithubRepo: app\nclusterName: cluster\nenvironments:\n")
	for e := range environments {
		fmt.Fprintf(&text, "  - {name: environment-%03d, account: \"%012d\", region: %s, tests: {commands: [npm test]}, stacks: [", e, 100+e, region)
		for s := range stacks {
			fmt.Fprintf(&text, "{name: Stack%02d, path: lib/stack-%02d.ts},", s, s)
		}
		text.WriteString("]}\n")
	}
	return text.String()
}
