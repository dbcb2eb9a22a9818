package assets

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
)

// sight is what is known of one destination.
type sight struct {
	there bool
	uri   string // of an image's repository
}

// look looks at a destination unless that has been done. A look that failed is
// not remembered: what was looked for may come to be.
func (p *Publisher) look(place string, at func() (sight, error)) (sight, error) {
	p.mu.Lock()
	known, is := p.seen[place]
	p.mu.Unlock()
	if is {
		return known, nil
	}
	known, err := at()
	if err == nil {
		p.mu.Lock()
		p.seen[place] = known
		p.mu.Unlock()
	}
	return known, err
}

// Sight is one asset at one of its destinations.
type Sight struct {
	Asset string // its name for people
	To    string // such as "s3://bucket/key" or "repository:tag"
	Image bool
	There bool
	Role  string // ARN of the role that publishes it; may be empty
}

// Look says which assets of a manifest are there already and publishes nothing.
func (p *Publisher) Look(ctx context.Context, list *assembly.AssetManifest, to Place) ([]Sight, error) {
	if len(list.Files)+len(list.Images) == 0 {
		return nil, nil
	}
	if err := to.Require(ctx, list.Bootstrap); err != nil {
		return nil, err
	}
	var looks []func(context.Context) (Sight, error)
	for _, file := range list.Files {
		for _, destination := range file.Destinations {
			d := resolveFile(destination, to)
			looks = append(looks, func(ctx context.Context) (Sight, error) { return lookAtFile(ctx, file, d, to) })
		}
	}
	for _, image := range list.Images {
		for _, destination := range image.Destinations {
			d := resolveImage(destination, to)
			looks = append(looks, func(ctx context.Context) (Sight, error) { return lookAtImage(ctx, image, d, to) })
		}
	}
	return p.lookAll(ctx, looks)
}

func (p *Publisher) lookAll(ctx context.Context, looks []func(context.Context) (Sight, error)) ([]Sight, error) {
	nodes, byName := make([]schedule.Node, len(looks)), map[string]func(context.Context) (Sight, error){}
	for i, look := range looks {
		nodes[i].Name = fmt.Sprint(i)
		byName[nodes[i].Name] = look
	}
	results := schedule.Run(ctx, p.options.AtOnce, nodes, func(ctx context.Context, name string) (Sight, error) { return byName[name](ctx) })
	var seen []Sight
	var failed []error
	for _, result := range results {
		seen, failed = append(seen, result.Value), append(failed, result.Err)
	}
	return seen, errors.Join(join(failed), ctx.Err())
}

func lookAtFile(ctx context.Context, file assembly.FileAsset, d assembly.FileDestination, to Place) (Sight, error) {
	seen := Sight{Asset: file.Name, To: fmt.Sprintf("s3://%s/%s", d.Bucket, d.Key), Role: d.Role.ARN}
	cfg, err := to.Enter(ctx, d.Role, d.Region)
	if err != nil {
		return seen, fmt.Errorf("looking for %s at %s: %w", file.Name, seen.To, err)
	}
	seen.There, err = objectExists(ctx, newS3(cfg, to.Account), d.Bucket, d.Key)
	if err != nil {
		return seen, explainBucket(err, d.Bucket, to)
	}
	return seen, nil
}

func lookAtImage(ctx context.Context, image assembly.ImageAsset, d assembly.ImageDestination, to Place) (Sight, error) {
	seen := Sight{Asset: image.Name, To: d.Repository + ":" + d.Tag, Image: true, Role: d.Role.ARN}
	cfg, err := to.Enter(ctx, d.Role, d.Region)
	if err != nil {
		return seen, fmt.Errorf("looking for the image %s: %w", image.Name, err)
	}
	client := ecr.NewFromConfig(cfg)
	if uri, err := repositoryURI(ctx, client, d, to); err != nil || uri == "" {
		return seen, err
	}
	if seen.There, err = imageExists(ctx, client, d); err != nil {
		return seen, fmt.Errorf("looking for the image %s: %w", seen.To, err)
	}
	return seen, nil
}
