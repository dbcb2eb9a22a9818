package deploy

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/deploy/synth"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// app is a synthesized CDK app.
type app struct {
	options  synth.Options
	settings synth.Settings
	assembly *assembly.Assembly
	paths    []string         // construct paths of the stacks that are deployed
	stacks   []assembly.Stack // the same ones
}

// synthesize synthesizes the apps and selects the environment's stacks.
func (j *job) synthesize(ctx context.Context) ([]target, []*app, error) {
	var list []listed
	var apps []*app
	for _, stack := range j.Stacks {
		dir, err := synth.FindApp(j.Workspace, stack.Path)
		if err != nil {
			return nil, nil, fmt.Errorf("stack %s: %w", stack.Name, err)
		}
		at := slices.IndexFunc(apps, func(a *app) bool { return a.options.App == dir })
		if at < 0 {
			made, err := j.synthesizeApp(ctx, dir, len(apps))
			if err != nil {
				return nil, nil, err
			}
			apps, at = append(apps, made), len(apps)
		}
		list = append(list, listed{Stack: stack, app: dir, assembly: apps[at].assembly})
	}
	targets, err := chooseAll(list, j.Request)
	if err != nil {
		return nil, nil, err
	}
	for i, t := range targets {
		at := slices.IndexFunc(apps, func(a *app) bool { return a.options.App == t.app })
		targets[i].settings, targets[i].root = apps[at].settings, apps[at].assembly.Dir
	}
	return targets, apps, nil
}

func (j *job) synthesizeApp(ctx context.Context, dir string, number int) (*app, error) {
	environ, err := j.environ(ctx, nil, j.lookups)
	if err != nil {
		return nil, err
	}
	made := &app{options: synth.Options{
		Runner: j.engine.Runner, Place: j.place, App: dir, Top: j.Workspace, Name: j.folderName(dir), Out: j.scratch(fmt.Sprintf("cdk.out-%d", number)), Account: j.Account, Region: j.Region,
		Env: environ, Context: j.Context, Lookups: j.Lookups, Limit: j.Limit, Redactor: j.engine.Redactor, Output: j.engine.Out, Log: j.engine.Log,
	}}
	if made.settings, err = synth.ReadSettings(ctx, made.options); err != nil {
		return nil, fmt.Errorf("the CDK app in %s: %w", made.options.Name, err)
	}
	if j.Assembly != "" {
		made.assembly, err = assembly.Read(j.Assembly)
		if err != nil {
			return nil, errs.Invalidf("the cloud assembly in %s: %w", j.Assembly, err).WithHint("%s", hintOf(err))
		}
		return made, j.engine.Runner.Send(ctx, j.Assembly) // its assets may be made by commands
	}
	defer j.report.begin("synthesizing the CDK app in " + made.options.Name)()
	made.assembly, err = synth.Synthesize(ctx, made.options)
	return made, err
}

// folderName returns a folder's name in messages, relative to the workspace.
func (j *job) folderName(dir string) string {
	name, err := filepath.Rel(j.Workspace, dir)
	switch {
	case err != nil:
		return dir
	case name == ".":
		return "the root of the repository"
	}
	return name
}

// checkMessages logs the annotations of the stacks to deploy and fails on their errors. It
// ignores errors of other stacks.
func (j *job) checkMessages(targets []target, apps []*app) error {
	var stacks []assembly.Stack
	for _, t := range targets {
		if err := t.stack.Err; err != nil {
			return errs.Invalidf("the CDK app in %s: stack %q: %w", j.folderName(t.app), t.stack.Path, err).WithHint("%s", hintOf(err))
		}
		source := j.sourceIn(t.stack)
		messages := slices.Clone(t.stack.Messages)
		for i := range messages {
			messages[i].Source = source(messages[i].Path)
		}
		t.stack.Messages = messages
		stacks = append(stacks, t.stack)
		at := slices.IndexFunc(apps, func(a *app) bool { return a.options.App == t.app })
		apps[at].paths, apps[at].stacks = append(apps[at].paths, t.stack.Path), append(apps[at].stacks, t.stack)
		for _, message := range t.stack.Messages {
			if message.Level == assembly.Warning {
				j.engine.Log.Warn(message.Text, "construct", message.Path)
			}
		}
	}
	if err := assembly.Problems(stacks); err != nil {
		return errs.Failedf("%w", err).WithHint("%s", hintOf(err))
	}
	for _, a := range apps {
		report, err := synth.ReadReport(a.assembly.Dir, a.paths)
		report.Locate(j.sourceAmong(a.stacks))
		if err := errors.Join(err, report.Err()); err != nil {
			return err
		}
	}
	return nil
}

// validation returns a function that starts to validate the templates on its
// first call and returns one that waits for the result. The templates are
// validated only if a stack must change, and before anything is executed.
func (j *job) validation(ctx context.Context, apps []*app) (start func() (gate func(context.Context) error)) {
	return sync.OnceValue(func() func(context.Context) error {
		validated := j.validatedApps(apps)
		return j.begin(func() error { return j.validateAll(ctx, validated) })
	})
}

// validatedApps returns the apps whose templates are validated. Validation costs a second
// synthesis, so it runs only where it can stop the deployment or on request.
func (j *job) validatedApps(apps []*app) []*app {
	if j.Assembly != "" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(apps), func(a *app) bool {
		skipped := !j.Advice && !synth.Enforces(a.assembly)
		if skipped {
			j.engine.Log.Info("the templates are not validated with the CDK's own rules, which the app does not enforce; use --advice to see the findings",
				"app", a.options.App, "flag", synth.EnforcingFlag)
		}
		return skipped
	})
}

// validateAll validates the templates of all apps. The error is an
// *invalidTemplates if the invalid stacks are known.
func (j *job) validateAll(ctx context.Context, apps []*app) error {
	failures, reports := make([]error, len(apps)), make([]synth.Report, len(apps))
	var wait sync.WaitGroup
	for i, a := range apps {
		wait.Go(func() {
			quiet := a.options // the first synthesis printed its output
			quiet.Output = nil
			report, err := synth.Validate(ctx, quiet, a.paths)
			report.Locate(j.sourceAmong(a.stacks))
			for _, found := range report.Findings {
				if found.Severity == "warning" {
					j.engine.Log.Warn(found.Text, "construct", found.Path, "rule", found.Rule)
				}
			}
			failures[i], reports[i] = errors.Join(err, report.Err()), report
		})
	}
	wait.Wait()
	var paths []string
	for i, a := range apps {
		found := invalidAmong(a.paths, reports[i].Blocking())
		if failures[i] != nil && found == nil {
			return errors.Join(failures...)
		}
		paths = append(paths, found...)
	}
	if len(paths) == 0 {
		return errors.Join(failures...)
	}
	return &invalidTemplates{errors.Join(failures...), paths}
}

// invalidAmong returns the stacks, by construct path, with findings.
func invalidAmong(stacks []string, findings []synth.Finding) (invalid []string) {
	for _, stack := range stacks {
		if slices.ContainsFunc(findings, func(f synth.Finding) bool { return f.Path == stack || strings.HasPrefix(f.Path, stack+"/") }) {
			invalid = append(invalid, stack)
		}
	}
	return invalid
}

// invalidTemplates is the error of a failed validation. It stops every stack of
// the request.
type invalidTemplates struct {
	error
	paths []string // construct paths of the stacks whose templates are invalid
}

func (e *invalidTemplates) Unwrap() error { return e.error }

// attribute assigns a failed validation to the stacks with invalid templates,
// whichever stacks waited for it. If the invalid stacks are unchanged, it remains
// assigned to the stacks that waited.
func attribute(results []schedule.Result[cfn.Result], targets map[string]target) {
	var invalid *invalidTemplates
	if !slices.ContainsFunc(results, func(r schedule.Result[cfn.Result]) bool { return errors.As(r.Err, &invalid) }) {
		return
	}
	isStopped := func(r schedule.Result[cfn.Result]) bool { // and has no failure of its own
		return r.State == schedule.Skipped || errors.As(r.Err, new(*invalidTemplates))
	}
	isInvalid := func(name string) bool { return slices.Contains(invalid.paths, targets[name].stack.Path) }
	var names []string
	for _, r := range results {
		if isStopped(r) && isInvalid(r.Name) {
			names = append(names, r.Name)
		}
	}
	if len(names) == 0 {
		return
	}
	for i, r := range results {
		switch {
		case !isStopped(r):
		case isInvalid(r.Name):
			results[i].State, results[i].Err, results[i].Because = schedule.Failed, invalid, ""
		default:
			results[i].State, results[i].Err, results[i].Because = schedule.Skipped, nil, strings.Join(names, ", ")
		}
	}
}

func hintOf(err error) string {
	var typed *assembly.Error
	if errors.As(err, &typed) {
		return typed.Hint
	}
	return ""
}
