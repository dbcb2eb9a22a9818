package deploy

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
)

// supplies bring the assets of all stacks to where CloudFormation finds them.
// They are built ahead. They are published when some stack must change, all
// places are known to answer, the templates are valid, and the stacks are
// deployed that the asset's own stack needs: one of these may make its bucket.
type supplies struct {
	published map[string]func(context.Context) error // by stack name: waits until its assets are there
	usable    []func(context.Context) error          // wait until the places of a stack have answered
	done      map[string]chan struct{}               // by stack name: closed when the stack is deployed
	ask       sync.Once
	asked     chan struct{}               // closed when some stack must change
	cleared   func(context.Context) error // waits until everything may be published; set once asked
}

func newSupplies() supplies {
	return supplies{published: map[string]func(context.Context) error{}, done: map[string]chan struct{}{}, asked: make(chan struct{})}
}

// deployed notes that a stack is deployed.
func (s *supplies) deployed(name string) { close(s.done[name]) }

// supplyAll begins the supplies of a deployment.
func (d *deployment) supplyAll(ctx context.Context, targets []target, nodes []schedule.Node) {
	for _, t := range targets {
		d.done[t.name] = make(chan struct{})
	}
	for i, t := range targets {
		d.report.expect(t)
		d.supply(ctx, t, t.stack.Assets, makersOf(t, targets), nodes[i].After)
	}
}

// makersOf are the stacks without which the assets of a stack cannot be built,
// by the word of their manifest.
func makersOf(t target, targets []target) (names []string) {
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

// supply begins to supply a stack. What it needs are names of stacks; those that
// are not deployed here are not waited for.
func (d *deployment) supply(ctx context.Context, t target, lists []*assembly.AssetManifest, makers, needs []string) {
	waits := slices.DeleteFunc(slices.Concat(makers, needs), func(name string) bool { return d.done[name] == nil })
	each := func(do func(context.Context, *assembly.AssetManifest) error) error {
		for _, list := range lists {
			if err := do(ctx, list); err != nil {
				return fmt.Errorf("publishing the assets of stack %s: %w", t.name, err)
			}
		}
		return nil
	}
	place := d.place(t)
	usable := d.begin(func() error {
		if len(waits) > 0 {
			return nil // what these stacks make cannot be there yet
		}
		return each(func(ctx context.Context, list *assembly.AssetManifest) error {
			return d.publisher.Check(ctx, list, place)
		})
	})
	d.usable = append(d.usable, usable)
	d.published[t.name] = d.begin(func() error {
		err := d.await(ctx, makers)
		if err == nil && usable(ctx) == nil {
			// What fails here fails again when it is published, if it comes to that.
			ahead := place
			if len(waits) > 0 { // these stacks may make the very role that publishes
				ahead.Enter = d.enterItself
			}
			_ = each(func(ctx context.Context, list *assembly.AssetManifest) error {
				return d.publisher.Build(ctx, list, ahead)
			})
		}
		if err := d.await(ctx, waits); err != nil {
			return err
		}
		select {
		case <-d.asked:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := d.cleared(ctx); err != nil {
			return err
		}
		return each(func(ctx context.Context, list *assembly.AssetManifest) error {
			return d.publisher.Publish(ctx, list, place)
		})
	})
}

// await waits until stacks are deployed, as far as they are deployed here.
func (s *supplies) await(ctx context.Context, names []string) error {
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

// clear lets everything be published once all places have answered and the
// templates are valid. The first stack that must change begins it.
func (d *deployment) clear(ctx context.Context) {
	d.ask.Do(func() {
		verdict := d.validate()
		d.cleared = d.begin(func() error {
			for _, usable := range d.usable {
				if err := usable(ctx); err != nil {
					return err
				}
			}
			return verdict(ctx)
		})
		close(d.asked)
	})
}
