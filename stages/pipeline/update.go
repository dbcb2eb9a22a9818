package pipeline

import (
	"context"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// update updates the pipeline's own stacks and objects, and returns the version of
// the template that the commit declares.
func (d Deps) update(ctx context.Context, frame stage.Frame, in Input, cfg *config.Config) (version string, changes []manifest.Change, err error) {
	objects, err := d.render(ctx, cfg, in)
	if err != nil {
		return "", nil, err
	}
	cloud, err := renderCloud(cfg, in.Place())
	if err != nil {
		return "", nil, err
	}
	if d.Try != nil {
		if err := d.Try(ctx, objects); err != nil {
			return "", nil, fmt.Errorf("validating the pipeline's objects: %w", err)
		}
	}
	if d.UpdateCloud != nil {
		if err := d.UpdateCloud(ctx, frame, cloud); err != nil {
			return "", nil, fmt.Errorf("updating the pipeline's AWS stack %q: %w", cloud.Stack, err)
		}
	}
	if cfg.PipelineStack != nil {
		if err := d.deployOwnStack(ctx, frame, in, *cfg.PipelineStack, in.Place().RoleARN(plan.NamesOf(cfg, in.Place()).OwnStackRole)); err != nil {
			return "", nil, fmt.Errorf("deploying the pipeline's own stack %q: %w", cfg.PipelineStack.Name, err)
		}
	}
	changes, err = d.apply(ctx, cfg, objects)
	if err != nil {
		return "", nil, fmt.Errorf("applying the pipeline's objects: %w", err)
	}
	return versionOf(objects), changes, nil
}

// versionOf returns the version of the template among the objects.
func versionOf(objects []manifest.Object) string {
	for _, object := range objects {
		if object.Kind == "WorkflowTemplate" {
			return object.Name
		}
	}
	return ""
}

// apply applies the objects, then removes those that only an earlier
// configuration declared.
func (d Deps) apply(ctx context.Context, cfg *config.Config, objects []manifest.Object) ([]manifest.Change, error) {
	changes, err := d.Apply(ctx, objects)
	if err != nil || d.Remove == nil {
		return changes, err
	}
	removed, err := d.Remove(ctx, argo.Unwanted(cfg))
	return append(changes, removed...), err
}

// deployOwnStack deploys the repository's own pipeline stack.
func (d Deps) deployOwnStack(ctx context.Context, frame stage.Frame, in Input, stack config.Stack, role string) error {
	workspace, done, err := in.workspace(func(w bucket.Workspace, dir string) (string, error) { return w.Fetch(ctx, d.Bucket, frame.Log, dir) })
	if err != nil {
		return err
	}
	defer done()
	return d.DeployStack(ctx, frame, workspace, stack, in.Region, role)
}

// render renders all objects, before anything is changed.
func (d Deps) render(ctx context.Context, cfg *config.Config, in Input) ([]manifest.Object, error) {
	place := in.Place()
	if err := place.Images.Check(cfg); err != nil {
		return nil, err
	}
	p, err := plan.New(cfg, d.Stages, place)
	if err != nil {
		return nil, err
	}
	if d.Taken == nil {
		return argo.Objects(cfg, p, place)
	}
	return argo.ObjectsBeside(cfg, p, place, d.Taken(ctx, cfg.ArgoNamespace))
}

func renderCloud(cfg *config.Config, place plan.Place) (Cloud, error) {
	template, err := infra.Template(cfg, place)
	names := plan.NamesOf(cfg, place)
	return Cloud{names.Stack, place.RoleARN(names.StackRole), place.Region, place.Bucket, template, infra.Tags(names)}, err
}
