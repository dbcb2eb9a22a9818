package install

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// BootstrapOptions configure Bootstrap.
type BootstrapOptions struct {
	// Confirm is called before anything is installed; its error ends the verb. It may be nil.
	Confirm func(context.Context, Plan) error
}

// Plan is what Bootstrap is about to install.
type Plan struct {
	Stack       string
	Place       plan.Place      // of the stack
	Secret      manifest.Object // the webhook secret
	Approvals   []Approval      // of all accounts of the configuration
	Build       BuildRole       // of the build commands
	Secrets     []Secrets       // of all commands and of notifications
	Topics      Topics          // of notifications
	Host        Host            // that gets the token of the repository
	Differences []kube.Difference
	Interrupted Interrupted

	// Certificates says that the BuildKit of the pipeline gets new certificates: its builds
	// that are running end.
	Certificates bool
}

// Host is the host of the repository.
type Host struct{ Now, Before string } // Before is "" for a new pipeline

// Interrupted are runs in progress that may fail when the permissions of the pipeline
// change: their steps that are to come were made for those of today.
type Interrupted struct {
	Runs []string // by name, also those that wait for an approval
	By   []string // what changes: objects in the cluster, and resources of the stack
}

// Approval is what a person permits the pipeline by installing it: commits are deployed
// with this access without asking anybody.
type Approval struct {
	Access       plan.Access
	Environments []string // that use it
	Before       string   // access approved earlier, as [plan.Access.String]; "" is none
}

// BuildRole is the role that build commands get the credentials of; "" is none.
type BuildRole struct{ ARN, Before string }

// Secrets are what commands, or notifications, get of Secrets Manager and Parameter Store, by
// name; "" is none.
type Secrets struct {
	Commands      string // that get them, such as "build commands" or "notifications"
	Names, Before string // as [argo.SecretNames] writes them
}

// Topics are the ARNs of the topics that notifications are published to, separated by spaces;
// "" is none.
type Topics struct{ ARNs, Before string }

// confirm asks a person, if there is one to ask, whether to install what the plan says.
func (t *Target) confirm(ctx context.Context, ask func(context.Context, Plan) error, p Plan) (err error) {
	if ask == nil {
		return nil
	}
	p.Stack, p.Place, p.Host = t.names().Stack, t.Place, Host{t.Config.GithubHost, t.host}
	if err := t.approvals(ctx, &p); err != nil {
		return err
	}
	return ask(ctx, p)
}

// approvals adds to a plan what installing the configuration approves.
func (t *Target) approvals(ctx context.Context, p *Plan) error {
	annotations, err := t.Cluster.Annotations(ctx, argo.BuilderAccount(t.Config, t.Place))
	if err != nil {
		return err
	}
	p.Build = BuildRole{t.Config.Build.RoleARN, argo.Approved(annotations)}
	p.Secrets = []Secrets{{"build commands", argo.SecretNames(plan.BuildSecrets(t.Config)), argo.ApprovedSecrets(annotations)}}
	for _, access := range plan.AccessesOf(t.Config) {
		annotations, err := t.Cluster.Annotations(ctx, argo.DeployerAccount(t.Config, t.Place, access))
		if err != nil {
			return err
		}
		approval := Approval{Access: access, Before: argo.Approved(annotations)}
		for _, env := range t.Config.Environments {
			if env.Account == access.Account && env.RoleARN == access.RoleARN {
				approval.Environments = append(approval.Environments, env.Name)
			}
		}
		p.Approvals = append(p.Approvals, approval)
		p.Secrets = append(p.Secrets, Secrets{
			"hooks and tests of " + strings.Join(approval.Environments, ", "), argo.SecretNames(plan.SecretsOf(t.Config, access)), argo.ApprovedSecrets(annotations),
		})
	}
	if annotations, err = t.Cluster.Annotations(ctx, argo.RecorderAccount(t.Config, t.Place)); err != nil {
		return err
	}
	p.Secrets = append(p.Secrets, Secrets{"notifications", argo.SecretNames(plan.NotificationSecrets(t.Config)), argo.ApprovedSecrets(annotations)})
	p.Topics = Topics{strings.Join(plan.NotificationTopics(t.Config), " "), argo.ApprovedTopics(annotations)}
	return nil
}

// Installed is the result of Bootstrap: what the webhook needs in GitHub.
type Installed struct {
	PayloadURL string // or a description of how to find it, if the cluster does not know it
	Secret     string // name of the webhook secret in Secrets Manager
	Region     string // of that secret

	// ImageBuilder is what the configuration needs for the BuildKit of the pipeline; nil
	// without one.
	ImageBuilder *ImageBuilderSettings
}

// Bootstrap checks the account and the cluster, installs the stack, the webhook
// secret and the objects, and waits until a push can start a run.
func Bootstrap(ctx context.Context, t Target, o BootstrapOptions, r Reporter) (Installed, error) {
	installed, err := t.bootstrap(ctx, o, r)
	if err != nil && ctx.Err() != nil {
		return installed, errs.Stopped(err, "installed objects stay, and CloudFormation finishes the operation on stack "+t.names().Stack+"; generator bootstrap continues from there")
	}
	return installed, err
}

func (t *Target) bootstrap(ctx context.Context, o BootstrapOptions, r Reporter) (Installed, error) {
	home, err := t.check(ctx, r)
	if err != nil {
		return Installed{}, err
	}
	// Everything is rendered before anything is installed.
	names := t.names()
	template, err := infra.Template(t.Config, t.Place)
	if err != nil {
		return Installed{}, err
	}
	if err := t.findBuilder(ctx); err != nil {
		return Installed{}, err
	}
	if err := t.renewCertificates(); err != nil {
		return Installed{}, err
	}
	objects, missing, err := t.objects(ctx)
	if err != nil {
		return Installed{}, err
	}
	differences, err := t.Cluster.Diff(ctx, objects)
	if err != nil {
		return Installed{}, err
	}
	interrupted, err := t.interrupted(ctx, home.aws, template, differences)
	if err != nil {
		return Installed{}, err
	}
	if err := t.confirm(ctx, o.Confirm, Plan{
		Secret: t.webhookSecret().Object, Differences: differences, Interrupted: interrupted,
		Certificates: t.builder != nil && t.builder.renewed,
	}); err != nil {
		return Installed{}, err
	}

	stack := cfn.Goal{
		Name: names.Stack, Template: template, Tags: infra.Tags(names),
		Parameters: map[string]string{infra.ParameterProvider: home.cluster.ProviderARN},
	}
	if err := t.install(ctx, home.aws, stack, objects, missing, r); err != nil {
		return Installed{}, err
	}
	url, err := t.startWebhook(ctx, objects, r)
	if err != nil {
		return Installed{}, err
	}
	if url != "" { // the stack has it as an output
		stack.Parameters[infra.ParameterWebhook] = url
		if err := t.deployStack(ctx, home.aws, stack, r); err != nil {
			return Installed{}, err
		}
	}
	return Installed{PayloadURL: cmp.Or(url, t.howToFindURL()), Secret: names.Secret, Region: t.Place.Region, ImageBuilder: t.builderSettings()}, nil
}

// install installs what Bootstrap planned. The objects come after the roles that their pods
// assume, and after the secret without which the webhook does not start.
func (t *Target) install(ctx context.Context, base aws.Config, stack cfn.Goal, objects []manifest.Object, missing string, r Reporter) error {
	if err := t.makeBucket(ctx, base, stack, r); err != nil {
		return err
	}
	if err := t.deployStack(ctx, base, stack, r); err != nil {
		return err
	}
	if err := t.restorePolicy(ctx, base, r); err != nil {
		return err
	}
	if err := t.copySecret(ctx, base, r); err != nil {
		return err
	}
	if err := t.putCertificates(ctx, objects, r); err != nil {
		return err
	}
	r.Started(Objects, "")
	noteMissing(missing, r)
	if _, err := t.apply(ctx, objects, r); err != nil {
		return err
	}
	return t.awaitBuilder(ctx, r)
}

// startWebhook waits until a push can start a run, has the webhook use its present secret,
// and returns its public URL; "" if the cluster does not know it.
func (t *Target) startWebhook(ctx context.Context, objects []manifest.Object, r Reporter) (string, error) {
	if err := t.awaitWebhook(ctx, objects, r); err != nil {
		return "", err
	}
	if err := t.Cluster.LoadWebhookSecret(ctx, t.webhookSecret(), t.Config.EventSourceName); err != nil {
		return "", err
	}
	return t.webhookURL(ctx, r)
}

// makeBucket deploys a new stack with its bucket alone if its template is too large to send
// inline: it is then published there.
func (t *Target) makeBucket(ctx context.Context, base aws.Config, stack cfn.Goal, r Reporter) error {
	if len(stack.Template) <= cfn.MaxInline {
		return nil
	}
	found, err := cfn.Find(ctx, cfn.NewClient(base), stack.Name)
	if err != nil || found != nil {
		return err
	}
	stack.Template, err = infra.BucketTemplate(t.Config, t.Place)
	if err != nil {
		return err
	}
	return t.deployStack(ctx, base, stack, r)
}

// deployStack deploys the pipeline's stack with the credentials of the user.
func (t *Target) deployStack(ctx context.Context, base aws.Config, stack cfn.Goal, r Reporter) error {
	r.Started(Stack, stack.Name)
	upload := clients.TemplateUploader(base, bucket.OwnedBy(t.Place.Account), t.Place.Bucket)
	result, err := cfn.Deploy(ctx, cfn.NewClient(base), stack, cfn.Options{Upload: upload, Notify: func(e cfn.Event) {
		if e.Phase != cfn.Resource {
			return
		}
		if status := e.Resource.Status; strings.HasSuffix(status, "_COMPLETE") || strings.HasSuffix(status, "_FAILED") {
			r.Resource(status, e.Resource.LogicalID, e.Resource.Reason)
		}
	}})
	if err != nil {
		return err
	}
	r.Changed(Stack, manifest.Change{Object: "stack " + stack.Name, Action: manifest.Action(result.Action)})
	return nil
}

// copySecret copies the webhook secret from Secrets Manager to the cluster. It is never
// printed.
func (t *Target) copySecret(ctx context.Context, base aws.Config, r Reporter) error {
	names, secret := t.names(), t.webhookSecret()
	value, err := readSecret(ctx, base, names.Secret)
	if err != nil {
		return fmt.Errorf("reading the webhook secret %q: %w", names.Secret, err)
	}
	action, err := t.Cluster.PutWebhookSecret(ctx, secret, value)
	if err != nil {
		return err
	}
	r.Started(Secret, fmt.Sprintf("%s in namespace %s", secret.Object.Name, secret.Object.Namespace))
	r.Changed(Secret, manifest.Change{Object: secret.Object.String(), Action: action})
	return nil
}

// webhookURL waits for the address of a load balancer, and returns the URL of the webhook;
// "" if the cluster has no address for it.
func (t *Target) webhookURL(ctx context.Context, r Reporter) (string, error) {
	if t.Config.WebhookService != config.LoadBalancer {
		return "", nil
	}
	r.Started(Address, "")
	service := manifest.Object{Kind: "Service", Namespace: t.Config.ArgoEventsNamespace, Name: plan.WebhookService(t.Config.EventSourceName)}
	address, err := t.Cluster.WebhookAddress(ctx, service)
	if err != nil || address == "" || t.Config.WebhookCertificateARN != "" {
		return "", err
	}
	return fmt.Sprintf("http://%s:%d%s", address, plan.WebhookPort, plan.WebhookPath), nil
}

// howToFindURL describes how to find the URL of a webhook whose address the cluster
// does not know.
func (t *Target) howToFindURL() string {
	where := fmt.Sprintf("service/%s in namespace %s, port %d, path %s", plan.WebhookService(t.Config.EventSourceName), t.Config.ArgoEventsNamespace, plan.WebhookPort, plan.WebhookPath)
	switch {
	case t.Config.WebhookCertificateARN != "":
		return fmt.Sprintf("https://<name of the certificate>:%d%s, with a DNS record of that name for the load balancer of %s", plan.WebhookPort, plan.WebhookPath, where)
	}
	switch t.Config.WebhookService {
	case config.LoadBalancer:
		return "the address of the load balancer, once it has one: " + where
	case config.NodePort:
		return "http://<address of a node>:<node port>" + plan.WebhookPath + " of " + where
	case config.NoService:
		return "the URL of your ingress to the pods with the label eventsource-name=" + t.Config.EventSourceName
	default:
		return "the URL of your ingress to " + where
	}
}
