package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/aphex/aphex-pipeline/internal/account"
	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/cfn"
	"github.com/aphex/aphex-pipeline/internal/cloudside"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/manifest"
)

// bootstrapCmd brings a pipeline to a cluster and an account for the first
// time, and any time after that.
type bootstrapCmd struct {
	liveFlags
	Force  bool `help:"Take fields over that another manager set."`
	Checks bool `help:"Check only, and bring nothing."`
	Yes    bool `short:"y" help:"Do not ask before anything is brought."`
}

// Help teaches the verb.
func (bootstrapCmd) Help() string {
	return `Checks what a pipeline needs (the cluster's exports, access to Kubernetes, the versions of Argo, the CDK
bootstrap of every account, GitHub's token), says what it is going to bring, and then brings it: the AWS
side as a CloudFormation stack, the webhook's secret, the objects. It waits until a push would be received,
and says what to enter in GitHub. Every step can be run again; what is there already is left as it is.

Your AWS credentials are of the account that the pipeline lives in, and may make roles there; your
Kubernetes credentials may make roles in both namespaces.

Examples:

  generator bootstrap --checks
  generator bootstrap
  generator bootstrap --context company-pipelines --yes`
}

// bringing is one call of the verb.
type bringing struct {
	bootstrapCmd
	live
	std      streams
	base     aws.Config
	home     *account.Session
	found    cloudside.Cluster // by the exports
	rendered []manifest.Object
	goal     cfn.Goal
}

// Run checks, asks, brings, and says what is left to be done.
func (c bootstrapCmd) Run(ctx context.Context, std streams) error {
	l, err := c.connect(ctx)
	if err != nil {
		return err
	}
	b := &bringing{bootstrapCmd: c, live: l, std: std}
	b.cluster.Force = c.Force
	steps := []func(context.Context) error{b.check, b.prepare, b.confirm, b.bringCloud, b.bringSecret, b.bringObjects, b.conclude}
	if c.Checks {
		steps = steps[:1]
	}
	for _, step := range steps {
		if err := step(ctx); err != nil && ctx.Err() != nil {
			return fault.Stopped(err, "what was brought stays, and CloudFormation finishes what it has begun with stack "+b.names.Stack+"; generator bootstrap goes on from there")
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (b *bringing) sayf(format string, args ...any) { fmt.Fprintf(b.std.err, format, args...) }

// check runs all checks and tells all of them.
func (b *bringing) check(ctx context.Context) error {
	b.sayf("Checking pipeline %s (account %s, %s; cluster %s)\n", b.names.Pipeline, b.place.Account, b.place.Region, b.address)
	failed := 0
	checks := b.checkNames(ctx)
	checks = append(checks, b.cloudChecks(ctx)...)
	for _, check := range append(checks, b.cluster.Preflight(ctx, b.cfg.ArgoNamespace, b.cfg.ArgoEventsNamespace)...) {
		if b.tell(check) {
			failed++
		}
	}
	if failed > 0 {
		return fault.Invalidf("%d of the checks failed, and nothing was brought", failed).WithHint("every check can be run again: generator bootstrap --checks")
	}
	return nil
}

// checkNames says which names the cluster has for the pipeline already, which it keeps.
func (b *bringing) checkNames(ctx context.Context) []kube.Check {
	left := b.cfg.WorkflowTemplateName
	if err := b.keepNames(ctx); err != nil {
		return []kube.Check{problem("names of the pipeline in the cluster", err, "your Kubernetes credentials need to list Sensors, EventSources and WorkflowTemplates")}
	}
	if b.cfg.WorkflowTemplateName == left {
		return nil
	}
	return []kube.Check{{What: "the pipeline is installed as " + b.cfg.WorkflowTemplateName + ", and keeps its names"}}
}

// tell prints a check, and says whether it stops the pipeline.
func (b *bringing) tell(check kube.Check) (stops bool) {
	switch {
	case check.Problem == "":
		b.sayf("  ok       %s\n", check.What)
	case check.Warning:
		b.sayf("  warning  %s: %s\n           %s\n", check.What, check.Problem, check.Fix)
	default:
		b.sayf("  failed   %s: %s\n           %s\n", check.What, check.Problem, check.Fix)
		return true
	}
	return false
}

// prepare renders everything before anything is brought.
func (b *bringing) prepare(ctx context.Context) error {
	template, err := cloudside.Template(b.cfg, b.place)
	if err != nil {
		return err
	}
	b.goal = cfn.Goal{
		Name: b.names.Stack, Template: template,
		Parameters: map[string]string{cloudside.ParameterProvider: b.found.ProviderARN},
		Tags:       cloudside.Tags(b.names),
	}
	b.rendered, err = b.objects(ctx)
	return err
}

// confirm says what is going to be brought, and asks.
func (b *bringing) confirm(ctx context.Context) error {
	differences, err := b.cluster.Diff(ctx, b.rendered)
	if err != nil {
		return err
	}
	b.sayf("\nTo be brought\n  stack    %s in account %s, %s: bucket %s, roles, webhook secret\n", b.names.Stack, b.place.Account, b.place.Region, b.place.Bucket)
	b.sayf("  secret   %s in namespace %s\n", b.names.WebhookSecret, b.cfg.ArgoEventsNamespace)
	for _, difference := range differences {
		b.sayf("  %-8s %s\n", difference.Action, difference.Object)
	}
	if len(differences) == 0 {
		b.sayf("  objects  all there already\n")
	}
	return ask(ctx, b.std, "\nGo on?", b.Yes)
}

// bringObjects applies the objects; they come after the roles that their pods
// have, and after the secret without which the webhook does not start.
func (b *bringing) bringObjects(ctx context.Context) error {
	b.sayf("\nObjects\n")
	changes, err := b.cluster.Apply(ctx, b.rendered)
	for _, change := range changes {
		b.sayf("  %-9s %s\n", change.Action, change.Object)
	}
	if err != nil {
		return err
	}
	b.sayf("\n")
	return b.awaitReceiver(ctx, b.std, b.rendered)
}

// conclude finds the webhook's address, and says what to enter in GitHub.
func (b *bringing) conclude(ctx context.Context) error {
	url, err := b.webhookURL(ctx)
	if err != nil {
		return err
	}
	if url != "" && url != b.goal.Parameters[cloudside.ParameterWebhook] {
		b.goal.Parameters[cloudside.ParameterWebhook] = url
		if err := b.bringCloud(ctx); err != nil {
			return err
		}
	}
	repository := b.cfg.GithubOwner + "/" + b.cfg.GithubRepo
	fmt.Fprintf(b.std.out, "\nThe pipeline is there. In GitHub, once:\n\n"+
		"  1. open https://github.com/%s/settings/hooks/new\n"+
		"  2. enter\n"+
		"       Payload URL   %s\n"+
		"       Content type  application/json\n"+
		"       Secret        the value that this prints:\n"+
		"                     aws secretsmanager get-secret-value --region %s --secret-id %s --query SecretString --output text\n"+
		"       Events        Pushes and Pull requests\n\n"+
		"A push to %s then starts the first run.\n", repository, or(url, b.urlForPerson()), b.place.Region, b.names.Secret, b.cfg.GithubBranch)
	return nil
}

// webhookURL gives the URL of the webhook from outside, if the cluster knows it.
func (b *bringing) webhookURL(ctx context.Context) (string, error) {
	if b.cfg.WebhookService != config.LoadBalancer {
		return "", nil
	}
	b.sayf("\nWaiting for the address of the webhook\n")
	service := manifest.Object{Kind: "Service", Namespace: b.cfg.ArgoEventsNamespace, Name: argo.ServiceName(b.cfg)}
	address, err := b.cluster.WebhookAddress(ctx, service)
	if err != nil || address == "" {
		return "", err
	}
	return fmt.Sprintf("http://%s:%d%s", address, argo.WebhookPort, argo.WebhookPath), nil
}

// urlForPerson says how to make the URL where only a person can know it.
func (b *bringing) urlForPerson() string {
	where := fmt.Sprintf("service/%s in namespace %s, port %d, path %s", argo.ServiceName(b.cfg), b.cfg.ArgoEventsNamespace, argo.WebhookPort, argo.WebhookPath)
	switch b.cfg.WebhookService {
	case config.LoadBalancer:
		return "the address of the load balancer, once it has one: " + where
	case config.NodePort:
		return "http://<address of a node>:<node port>" + argo.WebhookPath + " of " + where
	case config.NoService:
		return "that of your ingress to the pods with the label eventsource-name=" + b.cfg.EventSourceName
	default:
		return "that of your ingress to " + where
	}
}
