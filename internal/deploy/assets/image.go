package assets

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// pushAttempts is how often a push is tried; a registry keeps the layers that it received.
const pushAttempts = 3

func (p *Publisher) publishImage(ctx context.Context, list *assembly.AssetManifest, image assembly.ImageAsset, d assembly.ImageDestination, to Target) error {
	client, uri, there, err := p.findImage(ctx, image, d, to)
	if err != nil {
		return err
	}
	if uri == "" {
		if uri, err = p.createRepository(ctx, client, d.Repository); err != nil {
			return err
		}
	}
	remote := uri + ":" + d.Tag
	if there {
		p.options.Notify(Event{Asset: image.Name, To: remote, Step: Found})
		return nil
	}
	maker, w := p.maker(image), imageWork{client, uri, list, image, to}
	if err := maker.build(ctx, w); err != nil {
		return err
	}
	p.options.Notify(Event{Asset: image.Name, To: remote, Step: Uploading})
	if err := maker.push(ctx, w, remote); err != nil {
		return err
	}
	p.options.Notify(Event{Asset: image.Name, To: remote, Step: Published})
	return nil
}

// findImage reports whether an image exists at its destination, with one call
// per destination, and returns the URI of the repository; "" if that is still to
// be created.
func (p *Publisher) findImage(ctx context.Context, image assembly.ImageAsset, d assembly.ImageDestination, to Target) (*ecr.Client, string, bool, error) {
	cfg, err := to.Assume(ctx, d.Role, d.Region)
	if err != nil {
		return nil, "", false, fmt.Errorf("publishing the image %s: %w", image.Name, err)
	}
	client := ecr.NewFromConfig(cfg)
	known, err := p.state(imageKey(d), func() (state, error) {
		uri, err := repositoryURI(ctx, client, d, to)
		if err != nil || uri == "" {
			return state{}, err
		}
		there, err := imageExists(ctx, client, d)
		if err != nil {
			err = fmt.Errorf("describing the image %s:%s: %w", uri, d.Tag, err)
		}
		return state{uri: uri, there: there}, err
	})
	return client, known.uri, known.there, err
}

// createRepository creates a repository for images, as the CDK CLI does for the
// legacy stack synthesizer, and returns its URI.
func (p *Publisher) createRepository(ctx context.Context, client *ecr.Client, name string) (string, error) {
	return p.repositories.do(name, func() (string, error) {
		made, err := client.CreateRepository(ctx, &ecr.CreateRepositoryInput{
			RepositoryName: &name, Tags: []types.Tag{{Key: aws.String("awscdk:asset"), Value: aws.String("true")}},
			ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: true},
		})
		if err != nil {
			return "", fmt.Errorf("creating the ECR repository %s: %w", name, err)
		}
		return aws.ToString(made.Repository.RepositoryUri), nil
	})
}

func repositoryURI(ctx context.Context, client *ecr.Client, d assembly.ImageDestination, to Target) (string, error) {
	found, err := client.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{d.Repository}})
	var missing *types.RepositoryNotFoundException
	isMissing := errors.As(err, &missing) || err == nil && len(found.Repositories) == 0
	switch {
	case isMissing && d.Make:
		return "", nil
	case isMissing:
		return "", errs.Invalidf("%w in account %s", &NoDestinationError{"ECR repository", d.Repository}, to.Account).
			WithHint("%s", creationHint(d.Repository, "repository", "imageAssetsRepositoryName", to.Account, d.Region))
	case err != nil:
		return "", fmt.Errorf("describing the ECR repository %s: %w", d.Repository, err)
	}
	return aws.ToString(found.Repositories[0].RepositoryUri), nil
}

func imageExists(ctx context.Context, client *ecr.Client, d assembly.ImageDestination) (bool, error) {
	_, err := client.DescribeImages(ctx, &ecr.DescribeImagesInput{
		RepositoryName: &d.Repository, ImageIds: []types.ImageIdentifier{{ImageTag: &d.Tag}},
	})
	var missing *types.ImageNotFoundException
	if errors.As(err, &missing) {
		return false, nil
	}
	return err == nil, err
}

// login logs docker in, once per registry; the password is passed through stdin.
func (p *Publisher) login(ctx context.Context, client *ecr.Client, uri string) error {
	registry, _, _ := strings.Cut(uri, "/")
	_, err := p.logins.do(registry, func() (string, error) {
		user, password, err := ecrLogin(ctx, client, registry)
		if err != nil {
			return "", err
		}
		logins, err := p.loginVariables(ctx)
		if err != nil {
			return "", err
		}
		return "", p.docker(ctx, "logging in to "+registry, password, logins, "login", "--username", user, "--password-stdin", registry)
	})
	return err
}

// ecrLogin gets a user and a password from ECR.
func ecrLogin(ctx context.Context, client *ecr.Client, registry string) (user, password string, err error) {
	answer, err := client.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return "", "", fmt.Errorf("getting a token for %s: %w", registry, err)
	}
	if len(answer.AuthorizationData) == 0 {
		return "", "", errs.Failedf("ECR returned no token for %s", registry)
	}
	token, err := base64.StdEncoding.DecodeString(aws.ToString(answer.AuthorizationData[0].AuthorizationToken))
	user, password, whole := strings.Cut(string(token), ":")
	if err != nil || !whole {
		return "", "", errs.Failedf("ECR returned an invalid token for %s", registry)
	}
	return user, password, nil
}

// retryPush pushes up to pushAttempts times.
func retryPush(ctx context.Context, push func() error) error {
	for attempt := 1; ; attempt++ {
		err := push()
		if err == nil || ctx.Err() != nil || attempt == pushAttempts {
			return err
		}
		select {
		case <-time.After(time.Duration(attempt) * time.Second):
		case <-ctx.Done():
			return err
		}
	}
}
