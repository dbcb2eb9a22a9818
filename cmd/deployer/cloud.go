package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
)

// updateCloud brings the pipeline's own AWS side to its template. A pipeline
// whose AWS side was made in another way, by a CDK stack of its own, has no such
// stack, or no right to look at it: it is left alone.
func updateCloud(ctx context.Context, frame stage.Frame, cloud pipeline.Cloud) error {
	base, err := awsauth.Load(ctx, cloud.Region)
	if err != nil {
		return err
	}
	client := cloudformation.NewFromConfig(base)
	stack, err := cfn.Find(ctx, client, cloud.Stack)
	switch {
	case err == nil && stack == nil:
		frame.Log.Info("the pipeline's AWS side is not a stack of this name and is left alone", "stack", cloud.Stack)
		return nil
	case awsauth.IsDenied(err):
		frame.Log.Warn("the pipeline may not look at a stack of this name, so its AWS side is left alone", "stack", cloud.Stack, "error", err)
		return nil
	case err != nil:
		return err
	}
	result, err := cfn.Deploy(ctx, client, cfn.Goal{Name: cloud.Stack, Template: cloud.Template, ExecutionRole: cloud.Role, Tags: cloud.Tags}, cfn.Options{
		Workflow: frame.Workflow,
		Notify: func(e cfn.Event) {
			if e.Phase == cfn.Resource {
				frame.Log.Info("resource", "stack", e.Stack, "resource", e.Resource.LogicalID, "status", e.Resource.Status, "reason", e.Resource.Reason)
			}
		},
	})
	if err != nil {
		return err
	}
	frame.Log.Info("the pipeline's AWS side is as declared", "stack", cloud.Stack, "action", string(result.Action))
	return nil
}
