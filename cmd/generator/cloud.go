package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aphex/aphex-pipeline/internal/account"
	"github.com/aphex/aphex-pipeline/internal/awssim"
	"github.com/aphex/aphex-pipeline/internal/awssim/bootstrap"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// firstRegion is the one that S3 never names: a bucket without a constraint is
// there.
const firstRegion = "us-east-1"

// cloud is the AWS that a run deploys to: the simulator, or the one that the
// user's credentials lead to.
type cloud struct {
	server *awssim.Server // nil for the real AWS
	url    string
	dir    string // of the simulator's state
	home   string // account of the pipeline itself
	region string // region of the pipeline itself
}

// openCloud starts the simulator with the accounts of the configuration. They
// are bootstrapped where the app goes, when it first does; real accounts never
// are.
func (l *laptop) openCloud(ctx context.Context, place plan.Place) (cloud, error) {
	if l.AWS != "simulator" {
		l.console.notef("  aws     the accounts of your credentials (default chain)\n")
		return cloud{region: place.Region}, nil
	}
	accounts := []string{or(l.Account, l.cfg.Environments[0].Account)}
	for _, env := range l.cfg.Environments {
		accounts = append(accounts, env.Account)
	}
	c, err := startSimulator(l.state.aws(), "", accounts, place.Region, l.console)
	if err != nil {
		return cloud{}, err
	}
	if err := c.makeBucket(ctx, l, place); err != nil {
		c.close()
		return cloud{}, err
	}
	return c, nil
}

// startSimulator starts the simulator at an address, host:port or "" for a free
// port, with a state folder and accounts; the first may deploy into the others.
func startSimulator(dir, address string, accounts []string, region string, console *console) (cloud, error) {
	c := cloud{dir: dir, home: accounts[0], region: region}
	var err error
	c.server, err = awssim.New(awssim.Options{Dir: dir, Address: address, Bootstrap: &awssim.Bootstrap{Trust: c.home, Done: func(env bootstrap.Environment) {
		console.notef("  aws     account %s is bootstrapped in %s now (qualifier %s)\n", env.Account, env.Region, env.Qualifier)
	}}})
	if err != nil {
		return cloud{}, fault.Invalidf("starting the AWS simulator: %w", err).
			WithHint("remove %s to start with empty accounts", dir)
	}
	if c.url, err = c.server.Start(); err != nil {
		c.close()
		return cloud{}, fault.Invalidf("starting the AWS simulator: %w", err).WithHint("is the port free? without --port a free one is taken")
	}
	console.notef("  aws     simulated, at %s (state in %s)\n", c.url, dir)
	for _, id := range accounts {
		c.server.AddAccount(id)
	}
	return c, nil
}

// close saves the simulator's state and stops it.
func (c cloud) close() {
	if c.server != nil {
		_ = c.server.Close()
	}
}

// env gives the variables with which the SDKs find this cloud: for the
// simulator its address and the keys of the pipeline's own account.
func (c cloud) env() []string {
	if c.server != nil {
		return c.server.AddAccount(c.home).Env(c.url, c.region)
	}
	var env []string
	for _, entry := range os.Environ() {
		if strings.HasPrefix(entry, "AWS_") {
			env = append(env, entry)
		}
	}
	return env
}

// as gives the administrator of a simulated account.
func (c cloud) as(id, region string) aws.Config {
	keys := c.server.AddAccount(id)
	return aws.Config{
		Region: region, BaseEndpoint: &c.url,
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
	}
}

// makeBucket makes the artifact bucket, which the pipeline's own AWS side has
// in a real account. One of the same name that an earlier run had in another
// account or region makes room: names of buckets are unique in all of AWS.
func (c cloud) makeBucket(ctx context.Context, l *laptop, place plan.Place) error {
	there, err := c.createBucket(ctx, place)
	if err != nil || there {
		return err
	}
	old := l.state.place()
	if old.Bucket != place.Bucket {
		return fault.Invalidf("the bucket %q is in another account or region of the simulated AWS", place.Bucket).
			WithHint("give the pipeline another artifactBucketName, or remove %s to start with empty accounts", l.state.dir)
	}
	l.console.notef("  aws     moving the bucket %s to account %s in %s, without what earlier runs left in it\n", place.Bucket, place.Account, place.Region)
	if err := c.removeBucket(ctx, old); err != nil {
		return fault.Invalidf("removing the bucket %q from account %s in %s: %w", old.Bucket, old.Account, old.Region, err).
			WithHint("give the pipeline another artifactBucketName, or remove %s to start with empty accounts", l.state.dir)
	}
	_, err = c.createBucket(ctx, place)
	return err
}

// createBucket says whether the bucket is in its place afterwards; it is not
// where the name is taken in another account or region.
func (c cloud) createBucket(ctx context.Context, place plan.Place) (bool, error) {
	client := s3.NewFromConfig(c.as(c.home, place.Region))
	input := &s3.CreateBucketInput{Bucket: &place.Bucket}
	if place.Region != firstRegion { // S3 takes us-east-1 only as no constraint at all
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(place.Region)}
	}
	_, err := client.CreateBucket(ctx, input)
	var owned *types.BucketAlreadyOwnedByYou
	var taken *types.BucketAlreadyExists
	switch {
	case errors.As(err, &taken):
		return false, nil
	case err != nil && !errors.As(err, &owned):
		return false, fmt.Errorf("making the artifact bucket %q: %w", place.Bucket, err)
	}
	found, err := client.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: &place.Bucket})
	if err != nil {
		return false, fmt.Errorf("looking where the artifact bucket %q is: %w", place.Bucket, err)
	}
	return or(string(found.LocationConstraint), firstRegion) == place.Region, nil
}

// removeBucket removes the artifact bucket from where the pipeline lived before.
func (c cloud) removeBucket(ctx context.Context, place plan.Place) error {
	client := s3.NewFromConfig(c.as(place.Account, place.Region))
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &place.Bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		var gone *types.NoSuchBucket
		if errors.As(err, &gone) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, object := range page.Contents {
			if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &place.Bucket, Key: object.Key}); err != nil {
				return err
			}
		}
	}
	_, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &place.Bucket})
	return err
}

// client gives a client of the artifact bucket.
func (c cloud) client(ctx context.Context, place plan.Place) (*s3.Client, error) {
	if c.server != nil {
		return s3.NewFromConfig(c.as(c.home, place.Region)), nil
	}
	base, err := account.Load(ctx, place.Region)
	return s3.NewFromConfig(base), err
}

// read reads an object of the artifact bucket.
func (c cloud) read(ctx context.Context, place plan.Place, key string) ([]byte, error) {
	client, err := c.client(ctx, place)
	if err != nil {
		return nil, err
	}
	object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &place.Bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	defer object.Body.Close()
	return io.ReadAll(object.Body)
}

// object tells a person where an object of the artifact bucket is: the
// simulator keeps objects as plain files.
func (c cloud) object(place plan.Place, key string) string {
	if c.server == nil {
		return "s3://" + place.Bucket + "/" + key
	}
	return relative(filepath.Join(c.dir, "s3", place.Bucket, filepath.FromSlash(key)))
}
