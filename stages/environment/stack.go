package environment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/account"
	"github.com/aphex/aphex-pipeline/internal/assembly"
	"github.com/aphex/aphex-pipeline/internal/cfn"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/progress"
)

// deployStack brings one stack to what the app wants it to be.
func (d *deployment) deployStack(ctx context.Context, t target) (cfn.Result, error) {
	d.progress.busy(t, "entering the account")
	session, err := d.as(ctx, t.stack.DeployRole, t.region)
	if err != nil {
		return cfn.Result{}, fmt.Errorf("deploying stack %s: %w", t.name, err)
	}
	if err := d.require(ctx, t, t.stack.Bootstrap); err != nil {
		return cfn.Result{}, err
	}
	goal, err := d.goal(ctx, t, session)
	if err != nil {
		return cfn.Result{}, err
	}
	return cfn.Deploy(ctx, cfn.NewClient(session.Config), goal, cfn.Options{
		Workflow: d.frame.Workflow, Budget: d.budget(t.region), Force: d.Force, MayRollBack: d.RollBack,
		Ready: func(ctx context.Context) error {
			d.validate() // it takes as long as the change set
			d.progress.busy(t, progress.Publishing)
			defer d.progress.busy(t, makingChangeSet)
			return d.published[t.name](ctx)
		},
		Gate: func(ctx context.Context) error {
			d.progress.busy(t, validating)
			return d.validate()(ctx)
		},
		Upload: d.upload(t),
		Notify: func(e cfn.Event) { d.progress.stack(t, e) },
	})
}

// goal says what the stack is to become, with all placeholders replaced.
func (d *deployment) goal(ctx context.Context, t target, session *account.Session) (cfn.Goal, error) {
	stack, here := t.stack, d.here(t.region)
	template, err := os.ReadFile(stack.Template)
	if err != nil {
		return cfn.Goal{}, fault.Invalidf("reading the template of stack %s: %w", stack.Name, err)
	}
	url, err := cfn.TemplateURL(ctx, session.Config, here.Resolve(stack.TemplateURL))
	if err != nil {
		return cfn.Goal{}, err
	}
	goal := cfn.Goal{
		Name: stack.Name, Template: template, TemplateURL: url, TerminationProtection: stack.TerminationProtection,
		Parameters: map[string]string{}, Tags: map[string]string{}, ExecutionRole: here.Resolve(stack.ExecutionRole),
		ConstructPath: stack.ConstructPath,
	}
	for key, value := range stack.Parameters {
		goal.Parameters[key] = here.Resolve(value)
	}
	for key, value := range stack.Tags {
		goal.Tags[key] = here.Resolve(value)
	}
	if stack.NotificationARNs != nil {
		goal.NotificationARNs = []string{}
	}
	for _, topic := range stack.NotificationARNs {
		goal.NotificationARNs = append(goal.NotificationARNs, here.Resolve(topic))
	}
	return goal, nil
}

// upload puts a large template that the app did not publish as an asset into
// the bootstrap bucket, as the CDK CLI does.
func (d *deployment) upload(t target) func(context.Context, []byte) (string, error) {
	return func(ctx context.Context, template []byte) (string, error) {
		stack, sum := t.stack, sha256.Sum256(template)
		to := assembly.FileDestination{
			ID: stack.ID, Region: t.region, Role: roleForTemplate(stack),
			Bucket: fmt.Sprintf("cdk-%s-assets-%s-%s", account.DefaultQualifier, d.entry.Account, t.region),
			Key:    fmt.Sprintf("cdk/%s/%s.json", stack.ID, hex.EncodeToString(sum[:])),
		}
		err := d.publisher.Publish(ctx, &assembly.AssetManifest{ID: stack.ID + ".template", Files: []assembly.FileAsset{{
			ID: to.Key, Name: stack.Name + " template", Path: stack.Template, Destinations: []assembly.FileDestination{to},
		}}}, d.place(t))
		if err != nil {
			return "", err
		}
		access, err := d.as(ctx, to.Role, t.region)
		if err != nil {
			return "", err
		}
		return cfn.TemplateURL(ctx, access.Config, "s3://"+to.Bucket+"/"+to.Key)
	}
}

// roleForTemplate is the role that publishes the stack's other files.
func roleForTemplate(stack assembly.Stack) assembly.Role {
	for _, list := range stack.Assets {
		for _, file := range list.Files {
			for _, to := range file.Destinations {
				return to.Role
			}
		}
	}
	return assembly.Role{}
}

// resourceName is what people know a resource by: its construct path, or else its logical id.
func resourceName(t target, e cfn.ResourceEvent) string {
	name := strings.Join(append(append([]string{}, e.Nested...), e.LogicalID), "/")
	if path := t.stack.ConstructPath(e.Nested, e.LogicalID); path != "" {
		return path
	}
	return name
}
