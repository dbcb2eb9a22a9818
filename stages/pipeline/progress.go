package pipeline

import (
	"context"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// withProgress wraps the dependencies that may take long so that they report
// progress. The deployment of the repository's own stack reports by itself.
func (d Deps) withProgress(t *progress.Reporter) Deps {
	begin := func(doing string) (end func()) { return t.Begin(progress.Stage, "pipeline", doing) }
	try, update, apply, remove := d.Try, d.UpdateCloud, d.Apply, d.Remove
	d.Bucket = reported{d.Bucket, begin}
	if try != nil {
		d.Try = func(ctx context.Context, objects []manifest.Object) error {
			defer begin("validating the objects")()
			return try(ctx, objects)
		}
	}
	if update != nil {
		d.UpdateCloud = func(ctx context.Context, frame stage.Frame, cloud Cloud) error {
			defer begin("updating stack " + cloud.Stack)()
			return update(ctx, frame, cloud)
		}
	}
	d.Apply = func(ctx context.Context, objects []manifest.Object) ([]manifest.Change, error) {
		defer begin("applying the objects, and waiting until Argo accepts them")()
		return apply(ctx, objects)
	}
	if remove != nil {
		d.Remove = func(ctx context.Context, objects []manifest.Object) ([]manifest.Change, error) {
			defer begin("removing obsolete objects")()
			return remove(ctx, objects)
		}
	}
	return d
}

// reported is a bucket that reports its fetches of single files.
type reported struct {
	bucket.Bucket
	begin func(doing string) (end func())
}

// FetchFile fetches a file and reports it.
func (r reported) FetchFile(ctx context.Context, key, digest, name string) ([]byte, error) {
	defer r.begin("fetching " + name)()
	return r.Bucket.FetchFile(ctx, key, digest, name)
}
