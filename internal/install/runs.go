package install

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
	"github.com/aphex/aphex-pipeline/internal/kube"
)

// interrupted returns the runs in progress that may fail when the template is deployed and
// the differences are applied. A template of nil is not deployed.
func (t *Target) interrupted(ctx context.Context, base aws.Config, template []byte, differences []kube.Difference) (Interrupted, error) {
	var found Interrupted
	for _, difference := range differences {
		if difference.Constrains {
			found.By = append(found.By, difference.Object)
		}
	}
	if template != nil {
		ids, err := t.narrowed(ctx, base, template)
		if err != nil {
			return Interrupted{}, err
		}
		for _, id := range ids {
			found.By = append(found.By, "resource "+id)
		}
	}
	if found.By == nil {
		return Interrupted{}, nil
	}
	runs, err := t.Cluster.Incomplete(ctx, t.names().Pipeline, t.Config.ArgoNamespace)
	if err != nil || len(runs) == 0 {
		return Interrupted{}, err
	}
	found.Runs = runs
	return found, nil
}

// narrowed names the permissions in the pipeline's stack that the template changes or takes
// away.
func (t *Target) narrowed(ctx context.Context, base aws.Config, template []byte) ([]string, error) {
	client, name := cfn.NewClient(base), t.names().Stack
	stack, err := cfn.Find(ctx, client, name)
	if err != nil || stack == nil {
		return nil, err
	}
	installed, err := client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &name})
	if err != nil {
		return nil, fmt.Errorf("reading the template of stack %q: %w", name, err)
	}
	return infra.Narrowed(template, []byte(aws.ToString(installed.TemplateBody)))
}
