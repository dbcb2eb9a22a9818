package install

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Images choose the images that the pipeline's own stages run in. From is a flag of the
// verbs that install a pipeline.
type Images struct {
	From string `name:"images" help:"Where the images of the pipeline's own stages are (default: those that it has; for a new pipeline, those beside the configured validatorImage, else those of this version). Digests may follow, in quotes: builder@sha256:HEX deployer@sha256:HEX." placeholder:"REGISTRY[:TAG]"`
	// Digest returns the digest of an image. It may be nil: images are named by tags.
	Digest func(ctx context.Context, image string) (string, error) `kong:"-"`
}

// Validate refuses what names no images, before a cluster is asked for anything.
func (i Images) Validate() error {
	_, err := plan.ParseImages(i.From)
	return err
}

// useImages sets the images of the pipeline, where installed are those that it has. The
// problem is why they are not named by digests, or nil.
func (t *Target) useImages(ctx context.Context, installed plan.Images) (problem, err error) {
	images, err := plan.ParseImages(t.Images.From)
	if err != nil {
		return nil, err
	}
	if images == "" && installed != "" {
		t.Place.Images = installed
		return nil, installed.Check(t.Config)
	}
	if t.Place.Images, err = plan.ImagesOf(t.Config, t.Images.From, stage.Version()); err != nil {
		return nil, err
	}
	if t.Images.Digest == nil {
		return nil, t.Place.Images.Check(t.Config)
	}
	t.Place.Images, problem = t.pin(ctx, t.Place.Images)
	return problem, t.Place.Images.Check(t.Config)
}

// pin names the images by the digests that their registry has now. With an error, those
// that it does not find stay named by their tags.
func (t *Target) pin(ctx context.Context, images plan.Images) (plan.Images, error) {
	programs := plan.Programs()
	digests := make([]string, len(programs))
	var group errgroup.Group
	for n, program := range programs {
		if !images.Pinned(program) {
			group.Go(func() (err error) {
				digests[n], err = t.Images.Digest(ctx, images.Of(program))
				return err
			})
		}
	}
	err := group.Wait()
	for n, program := range programs {
		if digests[n] != "" {
			images = images.Pin(program, digests[n])
		}
	}
	return images, err
}

// checkImages reports which images the pipeline's own stages run in; the problem is why
// their digests are not known, if they were asked for.
func (t *Target) checkImages(problem error) kube.Check {
	source := t.Place.Images.Source()
	check := kube.Check{What: "images of the pipeline's own stages: " + source}
	tagged := slices.DeleteFunc(plan.Programs(), t.Place.Images.Pinned)
	if len(tagged) == 0 {
		return check
	}
	check.Warning = true
	check.Problem = strings.Join(tagged, ", ") + " not named by digest, so that what the tag refers to can change"
	if problem != nil {
		check.Problem += ": " + problem.Error()
	}
	check.Fix = fmt.Sprintf("run this with --images %[1]s where the registry can be reached (docker login), or name the digests: --images \"%[1]s %[2]s@sha256:<hex> …\"", source, tagged[0])
	return check
}
