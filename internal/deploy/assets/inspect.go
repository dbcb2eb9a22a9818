package assets

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
)

// state is the cached state of one destination.
type state struct {
	there bool
	uri   string // of an image's repository
}

// state returns the state of a destination and caches it. Errors are not cached, as
// the bucket or repository may be created later.
func (p *Publisher) state(key string, at func() (state, error)) (state, error) {
	p.mu.Lock()
	known, is := p.states[key]
	p.mu.Unlock()
	if is {
		return known, nil
	}
	known, err := at()
	if err == nil {
		p.mu.Lock()
		p.states[key] = known
		p.mu.Unlock()
	}
	return known, err
}

// Status is the state of one asset at one of its destinations.
type Status struct {
	Asset  string // display name
	To     string // such as "s3://bucket/key" or "repository:tag"
	Image  bool
	Exists bool   // it is published already
	Role   string // ARN of the role that publishes it; may be empty
}

// Inspect returns the state of a manifest's assets and publishes nothing.
func (p *Publisher) Inspect(ctx context.Context, list *assembly.AssetManifest, to Target) ([]Status, error) {
	if len(list.Files)+len(list.Images) == 0 {
		return nil, nil
	}
	if err := to.Require(ctx, list.Bootstrap); err != nil {
		return nil, err
	}
	var inspections []func(context.Context) (Status, error)
	for _, file := range list.Files {
		for _, destination := range file.Destinations {
			d := resolveFile(destination, to)
			inspections = append(inspections, func(ctx context.Context) (Status, error) { return inspectFile(ctx, file, d, to) })
		}
	}
	for _, image := range list.Images {
		for _, destination := range image.Destinations {
			d := resolveImage(destination, to)
			inspections = append(inspections, func(ctx context.Context) (Status, error) { return inspectImage(ctx, image, d, to) })
		}
	}
	return p.inspectAll(ctx, inspections)
}

func (p *Publisher) inspectAll(ctx context.Context, inspections []func(context.Context) (Status, error)) ([]Status, error) {
	nodes, byName := make([]schedule.Node, len(inspections)), map[string]func(context.Context) (Status, error){}
	for i, look := range inspections {
		nodes[i].Name = fmt.Sprint(i)
		byName[nodes[i].Name] = look
	}
	results := schedule.Run(ctx, p.options.AtOnce, nodes, func(ctx context.Context, name string) (Status, error) { return byName[name](ctx) })
	var seen []Status
	var failed []error
	for _, result := range results {
		seen, failed = append(seen, result.Value), append(failed, result.Err)
	}
	return seen, errors.Join(join(failed), ctx.Err())
}

func inspectFile(ctx context.Context, file assembly.FileAsset, d assembly.FileDestination, to Target) (Status, error) {
	seen := Status{Asset: file.Name, To: fmt.Sprintf("s3://%s/%s", d.Bucket, d.Key), Role: d.Role.ARN}
	cfg, err := to.Assume(ctx, d.Role, d.Region)
	if err != nil {
		return seen, fmt.Errorf("inspecting %s at %s: %w", file.Name, seen.To, err)
	}
	seen.Exists, err = objectExists(ctx, newS3(cfg, to.Account), d.Bucket, d.Key)
	if err != nil {
		return seen, explainBucket(err, d.Bucket, to)
	}
	return seen, nil
}

func inspectImage(ctx context.Context, image assembly.ImageAsset, d assembly.ImageDestination, to Target) (Status, error) {
	seen := Status{Asset: image.Name, To: d.Repository + ":" + d.Tag, Image: true, Role: d.Role.ARN}
	cfg, err := to.Assume(ctx, d.Role, d.Region)
	if err != nil {
		return seen, fmt.Errorf("inspecting the image %s: %w", image.Name, err)
	}
	client := ecr.NewFromConfig(cfg)
	if uri, err := repositoryURI(ctx, client, d, to); err != nil || uri == "" {
		return seen, err
	}
	if seen.Exists, err = imageExists(ctx, client, d); err != nil {
		return seen, fmt.Errorf("describing the image %s: %w", seen.To, err)
	}
	return seen, nil
}
