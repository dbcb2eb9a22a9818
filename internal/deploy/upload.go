package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// upload puts a large template that is not an asset of the app into the bucket of
// the bootstrap stack, as the CDK CLI does.
func (d *deployment) upload(t target) func(context.Context, []byte) (string, error) {
	return func(ctx context.Context, template []byte) (string, error) {
		bucket, domain, err := d.bootstrapBucket(ctx, t)
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256(template)
		to := assembly.FileDestination{
			ID: t.stack.ID, Region: t.region, Role: roleForTemplate(t.stack), Bucket: bucket,
			// JSON is YAML too, and the CLI's keys end so.
			Key: fmt.Sprintf("cdk/%s/%s.yml", t.stack.ID, hex.EncodeToString(sum[:])),
		}
		err = d.publisher.Publish(ctx, &assembly.AssetManifest{ID: t.stack.ID + ".template", Files: []assembly.FileAsset{{
			ID: to.Key, Name: t.stack.Name + " template", Path: t.stack.Template, Destinations: []assembly.FileDestination{to},
		}}}, d.assetTarget(t))
		return "https://" + domain + "/" + to.Key, err
	}
}

// bootstrapBucket reads the bucket from the outputs of the bootstrap stack, as a
// bootstrap may use a custom name.
func (d *deployment) bootstrapBucket(ctx context.Context, t target) (name, domain string, err error) {
	session, err := d.as(ctx, t.stack.DeployRole, t.region)
	if err != nil {
		return "", "", err
	}
	stack := t.settings.ToolkitStack
	outputs, found, err := cfn.ReadOutputs(ctx, cfn.NewClient(session.Config), stack)
	if err != nil {
		return "", "", err
	}
	name, domain = outputs["BucketName"], outputs["BucketDomainName"]
	if name == "" || domain == "" {
		what := "has no outputs BucketName and BucketDomainName"
		if !found {
			what = "does not exist"
		}
		return "", "", errs.Invalidf("the template needs the bucket of the bootstrap stack, but %s %s in account %s, %s", stack, what, d.access.Account, t.region).
			WithHint("use the DefaultStackSynthesizer, or run `cdk bootstrap aws://%s/%s`, or set toolkitStackName in cdk.json", d.access.Account, t.region)
	}
	return name, domain, nil
}

// roleForTemplate is the role that publishes the stack's template, if the
// template is one of its assets.
func roleForTemplate(stack assembly.Stack) assembly.Role {
	for _, list := range stack.Assets {
		for _, file := range list.Files {
			if file.Path == stack.Template && len(file.Destinations) > 0 {
				return file.Destinations[0].Role
			}
		}
	}
	return assembly.Role{}
}
