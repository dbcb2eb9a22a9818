package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/sync/errgroup"

	"github.com/aphex/aphex-pipeline/internal/account"
	"github.com/aphex/aphex-pipeline/internal/awssim"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/proc"
)

// edgeRegion is bootstrapped in every account, as CloudFront and its
// certificates live there whatever region an environment is in.
const edgeRegion = "us-east-1"

// cloud is the AWS that a run deploys to: the simulator, or the one that the
// user's credentials lead to.
type cloud struct {
	server *awssim.Server // nil for the real AWS
	url    string
	dir    string // of the simulator's state
	home   string // account of the pipeline itself
	region string // region of the pipeline itself
}

// openCloud starts the simulator with the accounts of the configuration, each
// bootstrapped as the real ones would be.
func (l *laptop) openCloud(ctx context.Context, place plan.Place) (cloud, error) {
	if l.AWS != "simulator" {
		l.console.notef("  aws     the accounts of your credentials (default chain)\n")
		return cloud{region: place.Region}, nil
	}
	server, err := awssim.New(awssim.Options{Dir: l.state.aws()})
	if err != nil {
		return cloud{}, fault.Invalidf("starting the AWS simulator: %w", err).
			WithHint("remove %s to start with empty accounts", l.state.aws())
	}
	url, err := server.Start()
	if err != nil {
		return cloud{}, fmt.Errorf("starting the AWS simulator: %w", err)
	}
	c := cloud{server: server, url: url, dir: l.state.aws(), home: or(l.Account, l.cfg.Environments[0].Account), region: place.Region}
	l.console.notef("  aws     simulated, at %s (state in %s)\n", url, l.state.aws())
	if err := c.prepare(ctx, l, place); err != nil {
		c.close()
		return cloud{}, err
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

// prepare bootstraps what is not yet bootstrapped and makes the bucket.
func (c cloud) prepare(ctx context.Context, l *laptop, place plan.Place) error {
	var group errgroup.Group
	for id, regions := range regionsOf(l.cfg) {
		missing := slices.DeleteFunc(regions, func(region string) bool { return c.bootstrapped(ctx, id, region) })
		if len(missing) == 0 {
			continue
		}
		env := c.server.AddAccount(id).Env(c.url, missing[0])
		group.Go(func() error {
			l.console.notef("  aws     bootstrapping account %s in %s with the CDK CLI\n", id, strings.Join(missing, ", "))
			return bootstrap(ctx, l.src.dir, id, missing, c.home, env)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return c.makeBucket(ctx, l, place)
}

// as gives the administrator of a simulated account.
func (c cloud) as(id, region string) aws.Config {
	keys := c.server.AddAccount(id)
	return aws.Config{
		Region: region, BaseEndpoint: &c.url,
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
	}
}

// bootstrapped says whether the account is bootstrapped and lets the pipeline's
// own account in, which may be another one than at the last run.
func (c cloud) bootstrapped(ctx context.Context, id, region string) bool {
	_, err := account.BootstrapVersion(ctx, &account.Session{Config: c.as(id, region), Account: id}, "")
	if err != nil {
		return false
	}
	role := fmt.Sprintf("arn:aws:iam::%s:role/cdk-%s-deploy-role-%s-%s", id, account.DefaultQualifier, id, region)
	_, err = sts.NewFromConfig(c.as(c.home, region)).AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: &role, RoleSessionName: aws.String("generator-run"),
	})
	return err == nil
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
	if place.Region != edgeRegion { // S3 takes us-east-1 only as no constraint at all
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
	return or(string(found.LocationConstraint), edgeRegion) == place.Region, nil
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

// regionsOf lists the regions to bootstrap in each account.
func regionsOf(cfg *config.Config) map[string][]string {
	regions := map[string][]string{}
	for _, env := range cfg.Environments {
		for _, region := range []string{env.Region, edgeRegion} {
			if !slices.Contains(regions[env.Account], region) {
				regions[env.Account] = append(regions[env.Account], region)
			}
		}
	}
	return regions
}

// bootstrap runs cdk bootstrap as an administrator of the account would.
func bootstrap(ctx context.Context, source, account string, regions []string, trusted string, env []string) error {
	cdk, err := findCDK(source)
	if err != nil {
		return err
	}
	args := []string{
		cdk, "bootstrap", "--trust", trusted, "--trust-for-lookup", trusted,
		"--cloudformation-execution-policies", "arn:aws:iam::aws:policy/AdministratorAccess",
	}
	for _, region := range regions {
		args = append(args, "aws://"+account+"/"+region)
	}
	folder, err := os.MkdirTemp("", "bootstrap-") // away from the app: bootstrapping needs none
	if err != nil {
		return fmt.Errorf("making a folder for cdk bootstrap: %w", err)
	}
	defer os.RemoveAll(folder)
	var output bytes.Buffer
	err = proc.Run(ctx, proc.Command{
		Args: args, Dir: folder, Stdout: &output, Stderr: &output,
		Env: append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "CI=true", "NO_COLOR=1", "CDK_DISABLE_CLI_TELEMETRY=true"}, env...),
	})
	if ctx.Err() != nil {
		return fault.Cancelledf("stopped while bootstrapping account %s; the same command goes on with it", account)
	}
	if err != nil {
		return fault.Failedf("bootstrapping account %s: %w\n%s", account, err, strings.TrimSpace(output.String()))
	}
	return nil
}

// findCDK finds the CDK CLI: the app's own, else the one in PATH.
func findCDK(source string) (string, error) {
	own := filepath.Join(source, "node_modules", ".bin", "cdk")
	if _, err := os.Stat(own); err == nil {
		return own, nil
	}
	if path, err := exec.LookPath("cdk"); err == nil {
		return path, nil
	}
	return "", fault.Invalidf("the CDK CLI is neither in %s nor in PATH", own).
		WithHint("simulated accounts are bootstrapped with it: npm install --save-dev aws-cdk, or npm install --global aws-cdk")
}
