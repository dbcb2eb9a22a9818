package gitpack

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"golang.org/x/sync/errgroup"
)

// maxDepth is the longest chain of deltas that git makes (its default is 50).
const maxDepth = 4095

// resolver computes the names of the objects that are stored as deltas. It starts at each
// whole object and continues with the deltas based on it, so that each base is built once.
type resolver struct {
	pack     *Pack
	byBase   map[*entry][]*entry
	byRef    map[plumbing.Hash][]*entry
	resolved atomic.Int64
	claimed  map[*entry]*atomic.Bool // reference deltas: two bases may have the same name
}

func (p *Pack) resolve(ctx context.Context) error {
	r := &resolver{pack: p, byBase: map[*entry][]*entry{}, byRef: map[plumbing.Hash][]*entry{}, claimed: map[*entry]*atomic.Bool{}}
	deltas := r.sortDeltas()
	if err := r.resolveAll(ctx); err != nil {
		return err
	}
	if missing := deltas - r.resolved.Load(); missing > 0 {
		return fmt.Errorf("%w: %d deltas have no base", ErrMalformed, missing)
	}
	for _, e := range p.entries {
		p.byHash[e.hash] = e
	}
	return nil
}

// sortDeltas sorts the deltas by their base and returns their number.
func (r *resolver) sortDeltas() (deltas int64) {
	for _, e := range r.pack.entries {
		switch e.stored {
		case plumbing.OFSDeltaObject:
			r.byBase[e.base] = append(r.byBase[e.base], e)
		case plumbing.REFDeltaObject:
			r.byRef[e.ref] = append(r.byRef[e.ref], e)
			r.claimed[e] = &atomic.Bool{}
		default:
			continue
		}
		deltas++
	}
	return deltas
}

func (r *resolver) resolveAll(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, e := range r.pack.entries {
		if e.stored.IsDelta() || len(r.byBase[e]) == 0 && len(r.byRef[e.hash]) == 0 {
			continue
		}
		group.Go(func() error {
			whole, err := r.pack.load(e)
			if err != nil {
				return err
			}
			defer whole.Close()
			return r.resolveOn(ctx, e, whole, plumbing.NewHasher(e.kind, 0))
		})
	}
	return group.Wait()
}

// resolveOn resolves all deltas based on base.
func (r *resolver) resolveOn(ctx context.Context, base *entry, whole content, hasher plumbing.Hasher) error {
	for _, e := range r.basedOn(base) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.resolveOne(ctx, base, whole, e, hasher); err != nil {
			return err
		}
	}
	return nil
}

func (r *resolver) basedOn(base *entry) []*entry {
	based := r.byBase[base]
	for _, e := range r.byRef[base.hash] {
		if r.claimed[e].CompareAndSwap(false, true) {
			based = append(based[:len(based):len(based)], e)
		}
	}
	return based
}

func (r *resolver) resolveOne(ctx context.Context, base *entry, whole content, e *entry, hasher plumbing.Hasher) error {
	if e.depth = base.depth + 1; e.depth > maxDepth {
		return fmt.Errorf("%w: a chain of more than %d deltas", ErrMalformed, maxDepth)
	}
	patched, err := r.pack.patch(whole, e)
	if err != nil {
		return err
	}
	defer patched.Close()
	begin(hasher, base.kind, patched.Size())
	if _, err := io.Copy(hasher, io.NewSectionReader(patched, 0, patched.Size())); err != nil {
		return err
	}
	e.kind, e.hash = base.kind, hasher.Sum()
	r.resolved.Add(1)
	return r.resolveOn(ctx, e, patched, hasher)
}
