package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// publishing is the state of publishing assets. They are built ahead, and
// published once a stack must change, all destinations are checked, the
// templates are valid, and the dependencies of the asset's stack are deployed:
// one of these may create its bucket.
type publishing struct {
	published map[string]func(context.Context) error // by stack name: waits until its assets are published
	usable    []func(context.Context) error          // wait until the destinations of a stack are checked
	done      map[string]chan struct{}               // by stack name: closed when the stack is deployed
	allowOnce sync.Once
	changing  chan struct{}               // closed when a stack must change
	allowed   func(context.Context) error // waits until everything may be published; set before changing is closed
}

func newPublishing() publishing {
	return publishing{published: map[string]func(context.Context) error{}, done: map[string]chan struct{}{}, changing: make(chan struct{})}
}

// deployed marks a stack as deployed.
func (s *publishing) deployed(name string) { close(s.done[name]) }

// publishAll starts to build and publish the assets of all stacks.
func (d *deployment) publishAll(ctx context.Context, targets []target, nodes []schedule.Node) {
	for _, t := range targets {
		d.done[t.name] = make(chan struct{})
	}
	for i, t := range targets {
		d.report.expect(t)
		d.publish(ctx, t, t.stack.Assets, producersOf(t, targets), nodes[i].After)
	}
}

// producersOf returns the stacks that the asset manifests of a stack depend on.
func producersOf(t target, targets []target) (names []string) {
	for _, other := range targets {
		if t.isBuiltAfter(other) {
			names = append(names, other.name)
		}
	}
	return names
}

func (t target) isBuiltAfter(other target) bool {
	return other.app == t.app && other.stack.ID != t.stack.ID && slices.ContainsFunc(t.stack.Assets, func(list *assembly.AssetManifest) bool {
		return slices.Contains(list.After, other.stack.ID)
	})
}

// publish starts to build and publish the assets of a stack. It waits for the named
// stacks as far as this environment deploys them.
func (d *deployment) publish(ctx context.Context, t target, lists []*assembly.AssetManifest, producers, needs []string) {
	waits := slices.DeleteFunc(slices.Concat(producers, needs), func(name string) bool { return d.done[name] == nil })
	each := func(do func(context.Context, *assembly.AssetManifest) error) error {
		for _, list := range lists {
			if err := do(ctx, list); err != nil {
				return d.explainPublishing(t, err)
			}
		}
		return nil
	}
	to := d.assetTarget(t)
	usable := d.begin(func() error {
		if len(waits) > 0 {
			return nil // these stacks may create the destination
		}
		return each(func(ctx context.Context, list *assembly.AssetManifest) error {
			return d.publisher.Check(ctx, list, to)
		})
	})
	d.usable = append(d.usable, usable)
	d.published[t.name] = d.begin(func() error {
		err := d.await(ctx, producers)
		if err == nil && usable(ctx) == nil {
			// A build that fails here fails again when the asset is published.
			ahead := to
			if len(waits) > 0 { // these stacks may create the very role that publishes
				ahead.Assume = d.asExactly
			}
			_ = each(func(ctx context.Context, list *assembly.AssetManifest) error {
				return d.publisher.Build(ctx, list, ahead)
			})
		}
		if err := d.await(ctx, waits); err != nil {
			return err
		}
		select {
		case <-d.changing:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := d.allowed(ctx); err != nil {
			return err
		}
		return each(func(ctx context.Context, list *assembly.AssetManifest) error {
			return d.publisher.Publish(ctx, list, to)
		})
	})
}

// explainPublishing names the stack, and for a missing bucket or repository the stacks that may
// create it and that the environment does not list, such as those that a synthesizer adds.
func (j *job) explainPublishing(t target, err error) error {
	needed := j.unlisted[t.name]
	if missing := (*assets.NoDestinationError)(nil); len(needed) == 0 || !errors.As(err, &missing) || missing.OfBootstrap() {
		return fmt.Errorf("publishing the assets of stack %s: %w", t.name, err)
	}
	return errs.Invalidf("publishing the assets of stack %s: %w", t.name, err).
		WithHint("add %s to the stacks of environment %s: %s needs it, and it may create what is missing", strings.Join(needed, ", "), j.Name, t.name)
}

// await waits until stacks are deployed, as far as this environment deploys them.
func (s *publishing) await(ctx context.Context, names []string) error {
	for _, name := range names {
		deployed := s.done[name]
		if deployed == nil {
			continue
		}
		select {
		case <-deployed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// allowPublishing allows publishing once all destinations are checked and the templates
// are valid. The first stack that must change calls it.
func (d *deployment) allowPublishing(ctx context.Context) {
	d.allowOnce.Do(func() {
		verdict := d.validate()
		d.allowed = d.begin(func() error {
			for _, usable := range d.usable {
				if err := usable(ctx); err != nil {
					return err
				}
			}
			return verdict(ctx)
		})
		close(d.changing)
	})
}
