package deploy

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
)

// openStack assumes the role that deploys a stack, checks the bootstrap and
// returns the desired state of the stack.
func (d *deployment) openStack(ctx context.Context, t target) (*awsauth.Session, cfn.Goal, error) {
	d.report.busy(t, "assuming access to the account")
	session, err := d.as(ctx, t.stack.DeployRole, t.region)
	if err != nil {
		return nil, cfn.Goal{}, fmt.Errorf("deploying stack %s: %w", t.name, err)
	}
	if err := d.require(ctx, t, t.stack.Bootstrap); err != nil {
		return nil, cfn.Goal{}, err
	}
	goal, err := d.goal(t)
	if err != nil {
		return nil, cfn.Goal{}, err
	}
	goal.TemplateURL, err = cfn.TemplateURL(ctx, session.Config, d.here(t.region).Resolve(t.stack.TemplateURL))
	return session, goal, err
}

func (d *deployment) options(t target) cfn.Options {
	return cfn.Options{
		Workflow: d.engine.Run, Budget: d.budget(t.region), Force: d.Force,
		MayRollBack: d.MayRollBack, NoRollback: d.NoRollback,
		Discard: d.discards, Reserved: manifest.LabelPipeline,
		Ready: func(ctx context.Context) error {
			if d.isPlan {
				return d.publishTemplates(ctx, t)
			}
			defer d.report.busy(t, makingChangeSet)
			d.allowPublishing(ctx)
			d.report.busy(t, validating)
			if err := d.allowed(ctx); err != nil {
				return err
			}
			d.report.busy(t, progress.Publishing)
			return d.published[t.name](ctx)
		},
		Upload: d.upload(t),
		Notify: func(e cfn.Event) { d.report.stack(t, e) },
	}
}

// goal returns the desired state of a stack with all placeholders replaced,
// without the URL of its template.
func (d *deployment) goal(t target) (cfn.Goal, error) {
	stack, here := t.stack, d.here(t.region)
	templates, err := readTemplates(stack)
	if err != nil {
		return cfn.Goal{}, err
	}
	goal := cfn.Goal{
		Name: stack.Name, Template: templates[0], Nested: templates[1:], TerminationProtection: stack.TerminationProtection,
		Parameters: map[string]string{}, Tags: map[string]string{}, ExecutionRole: here.Resolve(stack.ExecutionRole),
		NotificationARNs: d.topics(t), Alarms: d.alarms(t), ImportExisting: d.ImportExisting, ConstructPath: stack.ConstructPath, Path: stack.Path, Source: d.sourceIn(stack),
	}
	for key, value := range stack.Parameters {
		goal.Parameters[key] = here.Resolve(value)
	}
	maps.Copy(goal.Parameters, d.parameters[t.name])
	for key, value := range t.tags() {
		goal.Tags[key] = here.Resolve(value)
	}
	return goal, nil
}

// tags returns the tags of cdk.json or else those of the stack, as with the CDK CLI.
func (t target) tags() map[string]string {
	if t.settings.Tags != nil {
		return t.settings.Tags
	}
	return t.stack.Tags
}

// sourceIn returns the source location of a stack's constructs, relative to the workspace.
func (j *job) sourceIn(stack assembly.Stack) func(path string) string {
	there := j.place(j.Workspace) // where the app ran
	root, err := filepath.EvalSymlinks(there)
	if err != nil {
		root = there
	}
	return func(path string) string {
		line := stack.Source(path)
		if name, err := filepath.Rel(root, line); err == nil && filepath.IsLocal(name) && filepath.IsAbs(line) {
			return name
		}
		return line
	}
}

// sourceAmong is sourceIn for several stacks.
func (j *job) sourceAmong(stacks []assembly.Stack) func(path string) string {
	return func(path string) string {
		for _, stack := range stacks {
			if path == stack.Path || strings.HasPrefix(path, stack.Path+"/") {
				return j.sourceIn(stack)(path)
			}
		}
		return ""
	}
}

// resourceName returns the construct path of a resource, or else its logical id.
func resourceName(t target, e cfn.ResourceEvent) string {
	name := strings.Join(append(append([]string{}, e.Nested...), e.LogicalID), "/")
	if path := t.stack.ConstructPath(e.Nested, e.LogicalID); path != "" {
		return path
	}
	return name
}
