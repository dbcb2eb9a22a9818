package checkout

import (
	"context"
	"errors"
	"path"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"github.com/aphex/aphex-pipeline/internal/checkout/gitpack"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Changed returns the first file that counts among those in which o.Commit differs from
// the commit before; "" if there is none. It compares the files, not the history between the
// commits: force pushes and merges make no difference. It fetches both commits without the
// contents of their files. A file that was added, removed or made executable differs, and so does a submodule at
// another commit. Errors are of the same kinds as those of CheckOut.
func Changed(ctx context.Context, o Options, before string, counts func(file string) bool) (string, error) {
	o = o.withDefaults()
	if err := errors.Join(CheckCommit(o.Commit), CheckCommit(before), checkSupported(o.Commit), checkSupported(before)); err != nil {
		return "", err
	}
	if o.Commit == before {
		return "", nil
	}
	a, err := parseAddress(o)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.Limit, errLate)
	defer cancel()
	d := differ{budget: 2 * o.Budget.Entries, depth: o.Budget.Depth, counts: counts}
	compare := d.overNetwork
	if a.local != "" {
		compare = d.inFolder
	}
	changed, err := compare(ctx, o, a, plumbing.NewHash(before))
	if err != nil {
		return "", explain(ctx, err, o)
	}
	return changed, nil
}

// differ compares the folders of two commits, until it finds a file that counts.
type differ struct {
	budget int // how many entries of folders are read
	depth  int
	counts func(file string) bool
}

func (d *differ) inFolder(ctx context.Context, o Options, a address, before plumbing.Hash) (string, error) {
	from, err := openLocal(a.local)
	if err != nil {
		return "", err
	}
	defer from.Close()
	return d.commits(ctx, from, before, plumbing.NewHash(o.Commit))
}

func (d *differ) overNetwork(ctx context.Context, o Options, a address, before plumbing.Hash) (string, error) {
	return ask(ctx, o, a, func(ctx context.Context, s server) (string, error) {
		commit := plumbing.NewHash(o.Commit)
		request, err := foldersRequest(s.offered, before, commit)
		if err != nil {
			return "", err
		}
		return look(ctx, o, s, request, func(pack *gitpack.Pack) (string, error) { return d.commits(ctx, pack, before, commit) })
	})
}

// foldersRequest asks for commits with their folders, alone if the server allows it, else
// with all branches and tags.
func foldersRequest(offered *packp.AdvRefs, commits ...plumbing.Hash) (*packp.UploadPackRequest, error) {
	request, single := packp.NewUploadPackRequestFromCapabilities(offered.Capabilities), true
	for _, commit := range commits {
		single = single && servesSingle(offered, commit)
	}
	if request.Wants = branchesAndTags(offered); single {
		request.Wants, request.Depth = commits, packp.DepthCommits(1)
	}
	if len(request.Wants) == 0 {
		return nil, errNoRefs
	}
	for wanted, set := range map[capability.Capability]bool{capability.NoProgress: true, capability.Filter: true, capability.Shallow: single} {
		if !set || !offered.Capabilities.Supports(wanted) {
			continue
		}
		if err := request.Capabilities.Set(wanted); err != nil {
			return nil, err
		}
	}
	if offered.Capabilities.Supports(capability.Filter) {
		request.Filter = packp.FilterBlobNone()
	}
	return request, nil
}

func (d *differ) commits(ctx context.Context, from objects, before, after plumbing.Hash) (string, error) {
	one, err := treeOf(from, before)
	if err != nil {
		return "", err
	}
	other, err := treeOf(from, after)
	if err != nil {
		return "", err
	}
	return d.folders(ctx, from, "", one, other, 0)
}

// folders compares two folders at one path; the zero hash is none.
func (d *differ) folders(ctx context.Context, from objects, at string, before, after plumbing.Hash, depth int) (string, error) {
	if before == after {
		return "", nil
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	was, err := d.entries(from, at, before)
	if err != nil {
		return "", err
	}
	is, err := d.entries(from, at, after)
	if err != nil {
		return "", err
	}
	if d.budget -= len(was) + len(is); d.budget < 0 || depth > d.depth {
		return "", errs.Invalidf("the two commits have too many files, or too many folders inside each other, to compare them")
	}
	for name, old := range was {
		if is[name] == old {
			continue
		}
		if changed, err := d.entry(ctx, from, path.Join(at, name), old, is[name], depth); changed != "" || err != nil {
			return changed, err
		}
	}
	for name, added := range is {
		if _, there := was[name]; there {
			continue
		}
		if changed, err := d.entry(ctx, from, path.Join(at, name), treeEntry{}, added, depth); changed != "" || err != nil {
			return changed, err
		}
	}
	return "", nil
}

// entry compares what two folders have under one name; the zero value is nothing.
func (d *differ) entry(ctx context.Context, from objects, at string, before, after treeEntry, depth int) (string, error) {
	var folders [2]plumbing.Hash
	isFile := false
	for i, side := range []treeEntry{before, after} {
		if side.mode == filemode.Dir {
			folders[i] = side.hash
			continue
		}
		isFile = isFile || side.name != ""
	}
	if isFile && d.counts(at) {
		return at, nil
	}
	return d.folders(ctx, from, at, folders[0], folders[1], depth+1)
}

func (d *differ) entries(from objects, at string, folder plumbing.Hash) (map[string]treeEntry, error) {
	if folder.IsZero() {
		return nil, nil
	}
	list, err := readTree(from, folder, at)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]treeEntry, len(list))
	for _, entry := range list {
		byName[entry.name] = entry
	}
	return byName, nil
}
