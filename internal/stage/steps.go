package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// StepsCommand is the command that runs several stages of one pod, one after another. Each
// of its arguments is a stage: "deployer environment".
func StepsCommand() []string { return []string{"deployer", "steps"} }

// StepVariable returns the variable that sets another one for a later stage of a pod
// only: TESTER_APHEX_STEP sets APHEX_STEP for the tester.
func StepVariable(program, name string) string { return strings.ToUpper(program) + "_" + name }

// Step is one stage of several in a pod.
type Step struct {
	Program string
	Args    []string // its verb, if it has several stages
	Env     []string // NAME=value
}

// StepsOf takes the arguments and variables of StepsCommand apart into its stages.
func StepsOf(args, environ []string) ([]Step, error) {
	var steps []Step
	for _, text := range args {
		words := strings.Fields(text)
		if len(words) == 0 {
			return nil, errs.Invalidf("a stage has no name").WithHint(stepsHint)
		}
		steps = append(steps, Step{Program: words[0], Args: words[1:]})
	}
	if len(steps) == 0 {
		return nil, errs.Invalidf("no stage was named").WithHint(stepsHint)
	}
	for i := range steps {
		steps[i].Env = environmentOf(steps, i, environ)
	}
	return steps, nil
}

const stepsHint = `deployer steps "deployer environment" tester`

// environmentOf returns the variables of a stage: those of all, and its own.
func environmentOf(steps []Step, index int, environ []string) []string {
	var shared, own []string
	for _, entry := range environ {
		of := slices.IndexFunc(steps, func(s Step) bool { return strings.HasPrefix(entry, StepVariable(s.Program, contract.EnvPrefix+"_")) })
		switch {
		case of < 0:
			shared = append(shared, entry)
		case of == index:
			own = append(own, strings.TrimPrefix(entry, StepVariable(steps[of].Program, "")))
		}
	}
	return slices.Concat(shared, own) // the last one of a name counts
}

// RunSteps runs the stages of a pod with r, one after another, and returns the exit code of
// the last one that ran: the first that fails is the last.
func RunSteps(ctx context.Context, r command.Runner, args, environ []string, stdout, stderr io.Writer) int {
	steps, err := StepsOf(args, environ)
	if err != nil {
		PrintError(stderr, err)
		return ExitCode(err)
	}
	for _, step := range steps {
		run := command.Command{Args: append([]string{step.Program}, step.Args...), Env: step.Env, Stdout: stdout, Stderr: stderr, Grace: stepGrace}
		if code := runStep(ctx, r, run); code != ExitDone {
			return code
		}
	}
	return ExitDone
}

// exitKilled is how a shell reports a program that SIGKILL ended.
const exitKilled = 128 + 9

// stepGrace is longer than Kubernetes waits: a stage decides itself how long it needs.
const stepGrace = 1 << 40 // about 18 minutes

// runStep runs a stage, which prints its own errors, and returns its exit code.
func runStep(ctx context.Context, r command.Runner, stage command.Command) int {
	err := r.Run(ctx, stage)
	var exit *command.ExitError
	switch {
	case err == nil:
		return ExitDone
	case ctx.Err() != nil:
		return ExitCancelled
	case errors.As(err, &exit) && exit.Signal == "":
		return exit.Code
	case errors.As(err, &exit) && exit.Killed():
		printError(stage.Stderr, err, "the memory of the container may be used up")
		return exitKilled
	}
	printError(stage.Stderr, fmt.Errorf("running %s: %w", strings.Join(stage.Args, " "), err), "")
	return ExitFailed
}
