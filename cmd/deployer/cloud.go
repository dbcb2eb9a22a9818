package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
)

// updateCloud updates the stack of the pipeline's own AWS resources. It does nothing
// if there is no such stack or no permission to read it: those resources are then
// managed in another way, such as by a CDK stack.
func updateCloud(ctx context.Context, frame stage.Frame, cloud pipeline.Cloud) error {
	base, err := awsauth.Load(ctx, cloud.Region)
	if err != nil {
		return err
	}
	client := cloudformation.NewFromConfig(base)
	stack, err := cfn.Find(ctx, client, cloud.Stack)
	switch {
	case err == nil && stack == nil:
		frame.Log.Info("the pipeline's AWS resources are not managed by this stack and stay unchanged", "stack", cloud.Stack)
		return nil
	case awsauth.IsDenied(err):
		frame.Log.Warn("no permission to read the pipeline's stack; its AWS resources stay unchanged", "stack", cloud.Stack, "error", err)
		return nil
	case err != nil:
		return err
	}
	installed, err := client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &cloud.Stack})
	if err != nil {
		return err
	}
	template, err := infra.Follow(cloud.Template, []byte(aws.ToString(installed.TemplateBody)))
	if err != nil {
		return err
	}
	result, err := cfn.Deploy(ctx, client, cfn.Goal{Name: cloud.Stack, Template: template, ExecutionRole: cloud.Role, Tags: cloud.Tags}, cfn.Options{
		Workflow: frame.Workflow,
		Upload:   clients.TemplateUploader(base, clients.OwnerOf(base), cloud.Bucket),
		Notify: func(e cfn.Event) {
			if e.Phase == cfn.Resource {
				frame.Log.Info("resource", "stack", e.Stack, "resource", e.Resource.LogicalID, "status", e.Resource.Status, "reason", e.Resource.Reason)
			}
		},
	})
	if err != nil {
		return err
	}
	frame.Log.Info("the pipeline's AWS resources are up to date", "stack", cloud.Stack, "action", string(result.Action))
	return nil
}
