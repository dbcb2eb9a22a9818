package localrun

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
)

// grace is how long a stage may take to stop its own children after SIGTERM;
// a pod gets 30 s from Kubernetes.
const grace = 30 * time.Second

// ownHome is the variable that keeps this machine's value: the caches of package
// managers are there, and the folder is writable as in a pod.
const ownHome = "HOME"

// onlyInPods are the variables with which a pod takes on its role in AWS, and finds the
// container of its commands and the image builder of the cluster. The processes of a local
// run have the identity of whoever started it, start commands themselves, and build images
// where that person says.
var onlyInPods = []string{
	"AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "APHEX_COMMANDS", "APHEX_COMMANDS_SECRET",
	"APHEX_IMAGE_BUILDER", "APHEX_IMAGE_BUILDER_TLS", "APHEX_IMAGE_BUILDER_SERVER_NAME",
}

// ownTemp is the variable with the folder for temporary files. In a pod the folder is in
// a volume; here it is a short path outside the volumes.
const ownTemp = "TMPDIR"

// attemptResult is the result of one attempt at a step.
type attemptResult struct {
	status   Status
	exitCode int // -1 if no process exited by itself
	message  string
	took     time.Duration
}

// wiringError is an error of the template, not of a step.
type wiringError struct{ error }

func (e wiringError) Unwrap() error { return e.error }

func wiring(step string, err error) error { return wiringError{fmt.Errorf("step %q: %w", step, err)} }

// findWiringError returns the first error of the template among the results, or nil.
func findWiringError(results []schedule.Result[[]StepResult]) error {
	for _, result := range results {
		var wiring wiringError
		if errors.As(result.Err, &wiring) {
			return wiring
		}
	}
	return nil
}

// pod runs the commands of a task's containers as processes, one after another, and
// retries all of them as the retry strategy says.
func (r *runner) pod(ctx context.Context, task Task, node Node, known scope, steps []StepResult) error {
	steps[0].Status = Errored
	given, err := known.arguments(task.Arguments)
	if err != nil {
		return wiring(task.Name, err)
	}
	inputs, err := bind(node.Inputs.Parameters, given)
	if err != nil {
		return wiring(task.Name, err)
	}
	known = known.with("inputs.parameters.", inputs)
	opened := logs{}
	defer opened.close()
	for {
		step, last, err := r.attempt(ctx, steps, node, known, opened)
		if err != nil {
			return err
		}
		if done, err := r.settle(ctx, step, node, last); done || err != nil {
			return err
		}
	}
}

// settle decides whether the task has ended, and waits before another attempt.
func (r *runner) settle(ctx context.Context, step *StepResult, node Node, last attemptResult) (done bool, err error) {
	if last.status == Succeeded {
		return true, nil
	}
	again, err := node.RetryStrategy.again(step.Attempts, last)
	if err != nil {
		return true, wiring(step.Name, err)
	}
	if !again || ctx.Err() != nil {
		return true, fmt.Errorf("step %q: %s", step.Name, last.message)
	}
	r.options.Observe(Event{Step: step.Name, Kind: Retrying, Attempt: step.Attempts, Message: last.message})
	return false, node.RetryStrategy.wait(ctx, step.Attempts)
}

// attempt runs the commands once, in empty volumes, as a new pod would. It returns the
// last step that it started, and the result.
func (r *runner) attempt(ctx context.Context, steps []StepResult, node Node, known scope, logs logs) (*StepResult, attemptResult, error) {
	first := &steps[0]
	folders, err := r.volumes(first.Name, node)
	if err != nil {
		return first, attemptResult{}, fmt.Errorf("creating the volumes of step %q: %w", first.Name, err)
	}
	temporary, err := temporaryFolder()
	if err != nil {
		return first, attemptResult{}, fmt.Errorf("creating the folder for temporary files of step %q: %w", first.Name, err)
	}
	defer os.RemoveAll(temporary) // leftovers only take space
	if node.ActiveDeadlineSeconds > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(node.ActiveDeadlineSeconds)*time.Second)
		defer cancel()
	}
	started, attempt := time.Now(), first.Attempts+1
	for i := range steps {
		steps[i].Status, steps[i].Message = Omitted, "not started: "+first.Name
	}
	step, last := first, attemptResult{}
	for i, container := range node.containers() {
		if i > 0 {
			r.finished(step)
		}
		step = &steps[i]
		step.Attempts, step.Volume = attempt, folders.first()
		log, err := logs.of(step.Name, r.options.Log)
		if err != nil {
			return step, last, err
		}
		if last, err = r.process(ctx, step, container, known, place{folders, temporary}, log); err != nil {
			return step, last, err
		}
		if last.status != Succeeded {
			break
		}
	}
	last.took = time.Since(started)
	first.Outputs, err = outputsOf(node, folders)
	if err != nil && last.status == Succeeded {
		last.status, last.message = Errored, err.Error()
	}
	step.Status, step.ExitCode, step.Message = last.status, last.exitCode, last.message
	if last.status == Succeeded && !r.options.Keep {
		folders.remove()
	}
	if step != first && node.ContainerSet != nil { // Argo uses the exit code of the first container only
		last.exitCode, last.message = 0, step.Container+": "+last.message
	}
	return step, last, nil
}

// logs holds the logs of a task's steps, each opened when its step first starts.
type logs map[string]io.WriteCloser

func (l logs) of(step string, open func(string) (io.WriteCloser, error)) (io.Writer, error) {
	if l[step] == nil {
		log, err := open(step)
		if err != nil {
			return nil, fmt.Errorf("opening the log of step %q: %w", step, err)
		}
		l[step] = log
	}
	return l[step], nil
}

func (l logs) close() {
	for _, log := range l {
		_ = log.Close()
	}
}

// process runs the command of one container.
func (r *runner) process(ctx context.Context, step *StepResult, container Container, known scope, at place, log io.Writer) (attemptResult, error) {
	step.Status = Errored
	if step.Started.IsZero() {
		step.Started = time.Now()
	}
	process, err := r.command(container, known, at)
	if err != nil {
		return attemptResult{}, wiring(step.Name, err)
	}
	r.options.Observe(Event{Step: step.Name, Kind: Started, Attempt: step.Attempts})
	process.Stdout, process.Stderr, process.Grace = log, log, grace
	result := resultOf(proc.Runner{}.Run(ctx, process))
	step.Status, step.Message = result.status, result.message
	return result, nil
}

// finished reports a step that has ended.
func (r *runner) finished(step *StepResult) {
	step.Ended = time.Now()
	r.options.Observe(Event{Step: step.Name, Kind: Finished, Attempt: step.Attempts, Result: *step})
}

// resultOf describes the end of a process in Argo's words.
func resultOf(err error) attemptResult {
	var exit *command.ExitError
	switch {
	case err == nil:
		return attemptResult{status: Succeeded}
	case errors.As(err, &exit) && exit.Signal == "":
		return attemptResult{status: Failed, exitCode: exit.Code, message: fmt.Sprintf("Error (exit code %d)", exit.Code)}
	case errors.Is(err, context.DeadlineExceeded):
		return attemptResult{status: Failed, exitCode: -1, message: "the deadline of the step or of the run passed"}
	case errors.Is(err, context.Canceled):
		return attemptResult{status: Stopped, exitCode: 143, message: "stopped"}
	default:
		return attemptResult{status: Errored, exitCode: -1, message: err.Error()}
	}
}

// command turns a container into a process, with expressions resolved and paths below a
// mounted volume replaced by the folder of that volume.
func (r *runner) command(container Container, known scope, at place) (command.Command, error) {
	written := append(append([]string{}, container.Command...), container.Args...)
	words, err := known.resolveAll(written)
	if err != nil {
		return command.Command{}, err
	}
	if len(words) == 0 {
		return command.Command{}, errors.New("the container has no command")
	}
	if words[0], err = r.options.Program(words[0]); err != nil {
		return command.Command{}, err
	}
	for i, word := range written {
		if i > 0 && !expression.MatchString(word) {
			words[i] = at.folders.local(word)
		}
	}
	env := append([]string{}, r.options.Env...)
	own := len(env) // variables that the kubelet expands start here
	for _, variable := range container.Env {
		if variable.Name == ownHome && r.machineSets(ownHome) || slices.Contains(onlyInPods, variable.Name) {
			continue
		}
		if variable.Name == ownTemp {
			env = append(env, ownTemp+"="+at.temporary)
			continue
		}
		value, err := known.resolve(variable.Value)
		if err != nil {
			return command.Command{}, fmt.Errorf("variable %s: %w", variable.Name, err)
		}
		if !expression.MatchString(variable.Value) {
			value = at.folders.local(value) // a value of the template; one of an event is not a path
		}
		env = append(env, variable.Name+"="+expand(value, env[own:]))
	}
	return command.Command{Args: words, Env: env, Dir: at.folders.first()}, nil
}

// machineSets reports whether this machine gives the steps a variable.
func (r *runner) machineSets(name string) bool {
	return slices.ContainsFunc(r.options.Env, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
}

// outputsOf reads the files of the declared outputs.
func outputsOf(node Node, folders folders) (map[string]string, error) {
	values := map[string]string{}
	for _, output := range node.Outputs.Parameters {
		if output.ValueFrom == nil || output.ValueFrom.Path == "" {
			return nil, fmt.Errorf("the output %q names no file", output.Name)
		}
		data, err := os.ReadFile(folders.local(output.ValueFrom.Path))
		switch {
		case err == nil:
			values[output.Name] = string(data)
		case output.ValueFrom.Default != nil:
			values[output.Name] = *output.ValueFrom.Default
		default:
			return values, fmt.Errorf("reading the output %q: %w", output.Name, err)
		}
	}
	return values, nil
}

// place is where the process of a container works.
type place struct {
	folders   folders
	temporary string // folder for temporary files
}

// longestTemp is the longest path of a parent folder for temporary files. A socket's path
// has at most 107 bytes on Linux and 103 on macOS, and programs put sockets some folders
// deep (tsx: tsx-<uid>/<pid>.pipe).
const longestTemp = 40

// temporaryFolder makes an empty folder with a short path.
func temporaryFolder() (string, error) {
	parent := os.TempDir()
	if len(parent) > longestTemp {
		parent = "/tmp"
	}
	return os.MkdirTemp(parent, "aphex-")
}
