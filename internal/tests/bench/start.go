package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// startLimit is how many milliseconds a program may take until it says something: a pipeline starts one for every step.
const startLimit = 30

// starts are the programs that steps run, each with a command line that is complete enough to begin working.
func starts(scratch string) map[string][]string {
	const commit = "0123456789012345678901234567890123456789"
	source := []string{"--source", filepath.Join(scratch, "empty"), "--commit", commit}
	return map[string][]string{
		"validator": slices.Concat(source, []string{"--offline"}),
		"builder":   slices.Concat(source, []string{"--artifact-dir", scratch}),
		"deployer":  slices.Concat([]string{"pipeline", "--bucket", "bench", "--region", region}, source),
		"tester":    slices.Concat(source, []string{"--environment", "dev", "--outputs-file", filepath.Join(scratch, "outputs.json")}),
	}
}

func benchStart(ctx context.Context, log *slog.Logger, o options, scratch string) ([]result, error) {
	return measureAll(ctx, log, startPairs(o.bin, scratch), o.runs)
}

// startPairs measure from exec to the first line of the log, in milliseconds. Their side is the limit.
func startPairs(bin, scratch string) []pair {
	var pairs []pair
	commands := starts(scratch)
	for _, program := range []string{"validator", "builder", "deployer", "tester"} {
		pairs = append(pairs, pair{
			Name: "start " + program, Unit: "ms", Limit: 1,
			Ours: func(ctx context.Context) (float64, error) {
				took, err := firstLine(ctx, filepath.Join(bin, program), commands[program])
				return float64(took.Microseconds()) / 1000, err
			},
			Theirs: constant(startLimit),
		})
	}
	return pairs
}

// firstLine starts the program, waits for the first line of its log, and stops it.
func firstLine(ctx context.Context, program string, args []string) (time.Duration, error) {
	command := exec.CommandContext(ctx, program, append(args, "--log-format", "json")...)
	command.Env = append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true")
	stderr, err := command.StderrPipe()
	if err != nil {
		return 0, fmt.Errorf("reading the log of %q: %w", program, err)
	}
	start := time.Now()
	if err := command.Start(); err != nil {
		return 0, fmt.Errorf("starting %q: %w", program, err)
	}
	log := bufio.NewReader(stderr)
	line, err := log.ReadString('\n')
	took := time.Since(start)

	// The program stops its own children when it is asked to; it may also have ended already.
	_ = command.Process.Signal(syscall.SIGTERM)
	_, _ = io.Copy(io.Discard, log)
	_ = command.Wait()
	if err != nil {
		return 0, fmt.Errorf("%q printed nothing: %w", program, err)
	}
	if !isStart(line) {
		return 0, fmt.Errorf("%q did not begin to work: %s", program, line)
	}
	return took, nil
}

// sizes prints how large the programs in the folder are.
func sizes(w io.Writer, bin string) error {
	programs, err := os.ReadDir(bin)
	if err != nil {
		return fmt.Errorf("listing the programs: %w", err)
	}
	fmt.Fprintln(w)
	for _, program := range programs {
		info, err := program.Info()
		if err != nil {
			return fmt.Errorf("reading the size of %q: %w", program.Name(), err)
		}
		fmt.Fprintf(w, "%10s  %6.1f MB\n", program.Name(), float64(info.Size())/1e6)
	}
	return nil
}

// isStart reports whether the line is the log's record of a stage that begins; a wrong command line would end in another.
func isStart(line string) bool {
	var record struct {
		Message string `json:"msg"`
	}
	return json.Unmarshal([]byte(line), &record) == nil && record.Message == "started"
}
