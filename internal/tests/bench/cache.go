package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// cachedLimit is what a build whose packages come from the cache may take of one that installs them.
const cachedLimit = 0.4

// benchCachedBuild compares a build of the shop's packages that finds them in its cache with one that installs them into
// an empty home, as in a new pod.
func benchCachedBuild(ctx context.Context, log *slog.Logger, o options, scratch string) ([]result, error) {
	log.Info("measuring", "bench", "cached build", "runs", o.runs)
	build := func(name, command, cache string) (side, error) {
		dir := filepath.Join(scratch, "cached", name)
		for _, file := range []string{"package.json", "package-lock.json"} {
			if err := copyTo(filepath.Join(dir, file), filepath.Join(o.app, file)); err != nil {
				return nil, fmt.Errorf("copying the app: %w", err)
			}
		}
		text := "version: \"1.0\"\nbuild:\n  commands: [\"" + command + "\"]\n" + cache +
			"environments: [{name: dev, account: \"" + account + "\", region: " + region + ", stacks: [{name: Api}]}]\n"
		return timed(func(ctx context.Context) error {
			home := filepath.Join(scratch, "cached", "home")
			if err := os.RemoveAll(home); err != nil {
				return err
			}
			if err := os.MkdirAll(home, 0o755); err != nil {
				return err
			}
			program := exec.Command(filepath.Join(o.bin, "builder"), "--source", dir, "--commit", strings.Repeat("0", 40),
				"--branch", "main", "--cache-branch", "main", "--artifact-dir", filepath.Join(scratch, "cached", name+"-artifacts"))
			program.Env = append(os.Environ(), "HOME="+home, "AWS_EC2_METADATA_DISABLED=true")
			_, err := watch(ctx, program, false)
			return err
		}), os.WriteFile(filepath.Join(dir, "aphex-config.yaml"), []byte(text), 0o600)
	}
	ours, err := build("ours", "npm install --prefer-offline --no-audit --no-fund", "  cache: {paths: [node_modules], key: [package-lock.json]}\n")
	if err != nil {
		return nil, err
	}
	theirs, err := build("theirs", "npm ci --no-audit --no-fund", "")
	if err != nil {
		return nil, err
	}
	return measureAll(ctx, log, []pair{{Name: "cached build", Unit: "s", Ours: ours, Theirs: theirs, Limit: cachedLimit}}, o.runs)
}
