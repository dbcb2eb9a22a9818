// Package cloud provides the AWS of a local run: the simulator, or real accounts
// with the user's credentials.
package cloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/awssim/bootstrap"
	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Cloud is the AWS of a local run. The zero value is the real AWS.
type Cloud struct {
	// URL is the address of the simulator; "" for the real AWS.
	URL string

	server *awssim.Server // nil for the real AWS
	dir    string         // of the simulator's state
	home   string         // account of the pipeline itself
	region string         // of the pipeline itself
	notef  func(format string, args ...any)
}

// Simulation configures the simulated AWS.
type Simulation struct {
	Dir      string   // folder of the state
	Port     uint16   // of the loopback interface, to listen on; 0 is a free one
	Accounts []string // the first is that of the pipeline itself, and may deploy to the others
	Region   string   // of the pipeline itself

	// Notef prints changes of the accounts.
	Notef func(format string, args ...any)
}

// Simulate starts the simulator. It bootstraps an account in a region when an app
// is first deployed there.
func Simulate(s Simulation) (Cloud, error) {
	c := Cloud{dir: s.Dir, home: s.Accounts[0], region: s.Region, notef: s.Notef}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(s.Port)))
	var err error
	c.server, err = awssim.New(awssim.Options{Dir: s.Dir, Address: address, Bootstrap: &awssim.Bootstrap{Trust: c.home, Done: func(env bootstrap.Environment) {
		s.Notef("  aws     account %s is now bootstrapped in %s (qualifier %s)\n", env.Account, env.Region, env.Qualifier)
	}}})
	if err != nil {
		return Cloud{}, errs.Invalidf("starting the AWS simulator: %w", err).
			WithHint("remove %s to start with empty accounts", s.Dir)
	}
	if c.URL, err = c.server.Start(); err != nil {
		c.Close()
		return Cloud{}, errs.Invalidf("starting the AWS simulator: %w", err).WithHint("check that the port is free, or omit --port to use a free one")
	}
	s.Notef("  aws     simulated, at %s (state in %s)\n", c.URL, s.Dir)
	for _, id := range s.Accounts {
		c.server.AddAccount(id)
	}
	return c, nil
}

// Places returns the accounts and the region to simulate: those given, and what is
// missing from the configuration in file.
func Places(file string, accounts []string, region string) ([]string, string, error) {
	if len(accounts) > 0 && region != "" {
		return accounts, region, nil
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, "", errs.Invalidf("no %s with accounts and regions was found", file).
			WithHint("pass --account and --region, or run the command in the folder of the repository")
	}
	cfg, err := config.Load(file)
	if err != nil {
		return nil, "", errs.Invalidf("%w", err)
	}
	if len(accounts) == 0 {
		accounts = AccountsOf(cfg)
	}
	return accounts, cmp.Or(region, cfg.Environments[0].Region), nil
}

// AccountsOf returns the accounts of the environments, each once.
func AccountsOf(cfg *config.Config) (accounts []string) {
	for _, env := range cfg.Environments {
		if !slices.Contains(accounts, env.Account) {
			accounts = append(accounts, env.Account)
		}
	}
	return accounts
}

// MakeKey makes the key of KMS that signs, unless it exists.
func (c Cloud) MakeKey(arn string) error { return c.server.Keys().Make(arn) }

// Simulated reports whether this is the simulator.
func (c Cloud) Simulated() bool { return c.server != nil }

// Close saves the simulator's state and stops it.
func (c Cloud) Close() {
	if c.server != nil {
		_ = c.server.Close()
	}
}

// Env returns the variables, NAME=value, with which the SDKs find this cloud:
// for the simulator its address and the keys of the pipeline's own account.
func (c Cloud) Env() []string {
	if c.server != nil {
		return c.server.AddAccount(c.home).Env(c.URL, c.region)
	}
	var env []string
	for _, entry := range os.Environ() {
		if strings.HasPrefix(entry, "AWS_") {
			env = append(env, entry)
		}
	}
	return env
}

// VariablesOf returns the variables with which the SDKs find a simulated account.
func (c Cloud) VariablesOf(id string) map[string]string {
	variables := map[string]string{}
	for _, entry := range c.server.AddAccount(id).Env(c.URL, c.region) {
		name, value, _ := strings.Cut(entry, "=")
		variables[name] = value
	}
	return variables
}

// as is the administrator of a simulated account.
func (c Cloud) as(id, region string) aws.Config {
	keys := c.server.AddAccount(id)
	return aws.Config{
		Region: region, BaseEndpoint: &c.URL,
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
	}
}

// firstRegion is the region of buckets without a location constraint.
const firstRegion = "us-east-1"

// MakeBucket creates the artifact bucket in a simulated account; in a real one it
// belongs to the pipeline's stack. A bucket of the same name in the pipeline's former
// place is removed, as bucket names are globally unique.
func (c Cloud) MakeBucket(ctx context.Context, place, former plan.Place) error {
	created, err := c.createBucket(ctx, place)
	if err != nil || created {
		return err
	}
	hint := "set another artifactBucketName, or remove " + filepath.Dir(c.dir) + " to start with empty accounts"
	if former.Bucket != place.Bucket {
		return errs.Invalidf("the bucket %q is in another account or region of the simulated AWS", place.Bucket).WithHint("%s", hint)
	}
	c.notef("  aws     moving the bucket %s to account %s in %s, without the artifacts of earlier runs\n", place.Bucket, place.Account, place.Region)
	if _, err := bucket.Remove(ctx, bucket.NewClient(c.as(former.Account, former.Region), bucket.OwnedBy(former.Account)), former.Bucket); err != nil {
		return errs.Invalidf("removing the bucket %q from account %s in %s: %w", former.Bucket, former.Account, former.Region, err).WithHint("%s", hint)
	}
	_, err = c.createBucket(ctx, place)
	return err
}

// createBucket reports whether the bucket now exists in its place, without old caches. It is
// false if the name is taken in another account or region.
func (c Cloud) createBucket(ctx context.Context, place plan.Place) (bool, error) {
	client := bucket.NewClient(c.as(c.home, place.Region), bucket.OwnedBy(c.home))
	input := &s3.CreateBucketInput{Bucket: &place.Bucket}
	if place.Region != firstRegion { // S3 accepts us-east-1 only as no constraint
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(place.Region)}
	}
	_, err := client.CreateBucket(ctx, input)
	var owned *types.BucketAlreadyOwnedByYou
	var taken *types.BucketAlreadyExists
	switch {
	case errors.As(err, &taken):
		return false, nil
	case err != nil && !errors.As(err, &owned):
		return false, fmt.Errorf("creating the artifact bucket %q: %w", place.Bucket, err)
	}
	found, err := client.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: &place.Bucket})
	if err != nil {
		return false, fmt.Errorf("locating the artifact bucket %q: %w", place.Bucket, err)
	}
	if cmp.Or(string(found.LocationConstraint), firstRegion) != place.Region {
		return false, nil
	}
	return true, bucket.PruneCaches(ctx, client, place.Bucket, time.Now()) // the simulator expires nothing
}

// Address is where another process finds a simulator, and as whom.
type Address struct {
	URL, Region, Account, AccessKeyID, SecretAccessKey string
}

// Address returns the address of the simulator, as its administrator.
func (c Cloud) Address() Address {
	keys := c.server.AddAccount(c.home)
	return Address{c.URL, c.region, c.home, keys.AccessKeyID, keys.SecretAccessKey}
}

// Bucket opens a bucket in the account of the address.
func (a Address) Bucket(name string) bucket.Bucket {
	return bucket.OpenS3(bucket.NewClient(aws.Config{
		Region: a.Region, BaseEndpoint: &a.URL, Credentials: credentials.NewStaticCredentialsProvider(a.AccessKeyID, a.SecretAccessKey, ""),
	}, bucket.OwnedBy(a.Account)), name)
}

// Bucket opens the artifact bucket.
func (c Cloud) Bucket(ctx context.Context, place plan.Place) (bucket.Bucket, error) {
	var base aws.Config
	if c.server != nil {
		base = c.as(c.home, place.Region)
	} else {
		var err error
		if base, err = awsauth.Load(ctx, place.Region); err != nil {
			return nil, err
		}
	}
	return bucket.OpenS3(bucket.NewClient(base, clients.OwnerOf(base)), place.Bucket), nil
}

// Read reads a document of the artifact bucket.
func (c Cloud) Read(ctx context.Context, place plan.Place, key string) ([]byte, error) {
	artifacts, err := c.Bucket(ctx, place)
	if err != nil {
		return nil, err
	}
	return artifacts.Get(ctx, key)
}

// Object returns where an object of the artifact bucket is: a path, as the
// simulator keeps objects as plain files, or its s3 URI.
func (c Cloud) Object(place plan.Place, key string) string {
	if c.server == nil {
		return "s3://" + place.Bucket + "/" + key
	}
	return filepath.Join(c.dir, "s3", place.Bucket, filepath.FromSlash(key))
}
