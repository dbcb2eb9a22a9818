package install

import (
	"cmp"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/kubeconfig"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/stages"
)

// Target is a pipeline, and the account and cluster that it is installed in.
type Target struct {
	// Config has every key that a cluster needs ([config.Config.RequireCluster]). Names
	// that it leaves out are set to those of an installed pipeline.
	Config  *config.Config
	Place   plan.Place   // of the pipeline itself
	Cluster kube.Cluster // session with the cluster
	AWS     AWS          // called by Diff if the pipeline is installed; by Apply only if identities change
	Images  Images       // set Place.Images

	// SharedNamespaces accepts namespaces in which another pipeline or a controller of
	// Argo runs. Check and Bootstrap refuse them otherwise.
	SharedNamespaces bool

	// ImageBuilder is for Check and Bootstrap; the other verbs keep what is installed.
	ImageBuilder ImageBuilder

	host    string   // of the repository, in the installed pipeline; "" if none is installed
	builder *builder // set by findBuilder; nil is none
}

// AWS loads the configuration of AWS clients in a region; "" is the default region.
type AWS func(ctx context.Context, region string) (aws.Config, error)

// Configuration names the file of a pipeline, and has keys that it lacks, such as one that was
// written for the predecessor of this product. Its fields are flags.
type Configuration struct {
	config.FileFlag
	config.Fallback
}

// Load reads the configuration and completes it.
func (c Configuration) Load() (*config.Config, error) {
	cfg, err := config.Load(c.Config)
	if err == nil {
		err = cfg.FillIn(c.Fallback)
	}
	if err != nil {
		return nil, errs.Invalidf("%w", err)
	}
	return cfg, nil
}

// Session says where a pipeline is installed, or to be installed. Its fields are flags of
// the verbs that work on a cluster.
type Session struct {
	Configuration

	Account    string `help:"Account of the pipeline itself (default: that of your AWS credentials)." placeholder:"ID"`
	Region     string `help:"Region of the pipeline itself (default: that of your AWS credentials)."`
	Kubeconfig string `help:"Kubeconfig file (default: $KUBECONFIG, then ~/.kube/config)." type:"path" placeholder:"FILE"`
	Context    string `help:"Context of the kubeconfig (default: the current one)." placeholder:"NAME"`
}

// Open loads the configuration, connects to the cluster and returns its address. The
// configuration must have every key that a cluster needs.
func (s Session) Open(ctx context.Context) (t Target, address string, err error) {
	t.AWS = awsauth.Load
	if t.Config, err = s.Load(); err != nil {
		return t, "", err
	}
	if err := t.Config.RequireCluster(); err != nil {
		return t, "", errs.Invalidf("%w", err).WithHint("add the keys to %s, or pass --github-owner, --github-repo and --cluster-name", s.Config)
	}
	if t.Place, err = s.PlaceOf(ctx, t.Config); err != nil {
		return t, "", err
	}
	t.Cluster, address, err = s.Connect()
	return t, address, err
}

// PlaceOf returns the account, the region and the names of a pipeline.
func (s Session) PlaceOf(ctx context.Context, cfg *config.Config) (plan.Place, error) {
	if err := plan.CheckPlace(s.Account, s.Region); err != nil {
		return plan.Place{}, err
	}
	account, region, err := Locate(ctx, awsauth.Load, s.Account, s.Region)
	if err != nil {
		return plan.Place{}, err
	}
	return plan.PlaceOf(cfg, account, region, repository.PathOf(s.Config)), nil
}

// Connect connects to the cluster and returns its address.
func (s Session) Connect() (cluster kube.Cluster, address string, err error) {
	return kubeconfig.Connect(s.Kubeconfig, s.Context)
}

// Locate returns the account and region of a pipeline: those that are given,
// else those of the AWS credentials. It calls AWS only for what is missing.
func Locate(ctx context.Context, load AWS, id, region string) (string, string, error) {
	if id != "" && region != "" {
		return id, region, nil
	}
	base, err := load(ctx, region)
	if err != nil {
		return "", "", err
	}
	if base.Region == "" {
		return "", "", errs.Invalidf("the region of the pipeline is not set").WithHint("pass --region, or set AWS_REGION")
	}
	if id == "" {
		session, err := awsauth.Identify(ctx, base)
		if err != nil {
			return "", "", err
		}
		id = session.Account
	}
	return id, base.Region, nil
}

// movesToken reports whether the token of the repository will be sent to another host than
// that of the installed pipeline.
func (t *Target) movesToken() bool { return t.host != "" && t.host != t.Config.GithubHost }

func (t *Target) names() plan.Names { return plan.NamesOf(t.Config, t.Place) }

// useInstalledNames sets names that the configuration leaves out to those that
// the installed pipeline has. It returns the images of that pipeline.
func (t *Target) useInstalledNames(ctx context.Context) (plan.Images, error) {
	pipeline := t.names().Pipeline
	installed, err := t.Cluster.Installed(ctx, pipeline, t.Config.ArgoNamespace, t.Config.ArgoEventsNamespace)
	if err != nil {
		return "", fmt.Errorf("reading the names of the pipeline %q: %w", pipeline, err)
	}
	if err := t.Config.FillIn(config.Fallback{
		WorkflowTemplateName: installed.Template, EventSourceName: installed.EventSource, SensorName: installed.Sensor,
		ServiceAccountName: installed.ServiceAccount, WorkflowNamePrefix: installed.Variables[stages.Variable("prefix")],
		ArtifactBucketName: installed.Variables[stages.Variable("bucket")],
	}); err != nil {
		return "", errs.Invalidf("names of the pipeline %q in the cluster: %w", pipeline, err)
	}
	t.Place.Bucket = t.Config.Bucket(t.Place.Account, t.Place.Region)
	if installed.Variables != nil { // templates of earlier versions name no host
		t.host = cmp.Or(installed.Variables[stages.Variable("host")], checkout.DefaultHost)
	}
	return plan.Images(installed.Variables[stages.Variable("images")]), nil
}

// objects renders the objects of the pipeline, with those of a BuildKit that findBuilder found, and without optional ones that this user may
// not write; missing says which, and why. A version of the workflow template gets a name
// that no other version in the cluster has.
func (t *Target) objects(ctx context.Context) (objects []manifest.Object, missing string, err error) {
	p, err := plan.New(t.Config, stages.Contracts(), t.Place)
	if err != nil {
		return nil, "", err
	}
	all, err := argo.ObjectsBeside(t.Config, p, t.Place, t.Cluster.Taken(ctx, t.Config.ArgoNamespace))
	if err != nil {
		return nil, "", err
	}
	ofBuilder, err := t.objectsOfBuilder()
	if err != nil {
		return nil, "", err
	}
	all = append(ofBuilder, all...)
	return t.Cluster.Permitted(ctx, all)
}

// noteMissing reports what protects the cluster from the pipeline and is not installed.
func noteMissing(missing string, r Reporter) {
	if missing != "" {
		r.Note("only their permissions limit the pipeline's identities, because " + missing + "; an administrator of the cluster can install the admission policy: generator apply")
	}
}

// webhookSecret names the Secret that the EventSource checks signatures with.
func (t *Target) webhookSecret() kube.WebhookSecret {
	names := t.names()
	object := manifest.Object{Kind: "Secret", Namespace: t.Config.ArgoEventsNamespace, Name: names.WebhookSecret}
	return kube.WebhookSecret{Object: object, Pipeline: names.Pipeline, Key: plan.WebhookSecretKey}
}

// apply updates the objects in the cluster and reports each change.
func (t *Target) apply(ctx context.Context, objects []manifest.Object, r Reporter) ([]manifest.Change, error) {
	changes, err := t.Cluster.Apply(ctx, objects)
	for _, change := range changes {
		r.Changed(Objects, change)
	}
	return changes, err
}

// awaitWebhook waits until a push can start a run.
func (t *Target) awaitWebhook(ctx context.Context, objects []manifest.Object, r Reporter) error {
	receiver := kube.Receiver{
		Namespace: t.Config.ArgoEventsNamespace, EventSource: t.Config.EventSourceName, Sensor: t.Config.SensorName,
		Port: plan.WebhookPort, Path: plan.WebhookPath, Triggers: argo.Triggers(t.Config),
	}
	for _, object := range objects {
		switch {
		case object.Kind == "Service" && object.Namespace == t.Config.ArgoEventsNamespace:
			receiver.Service = object.Name
		case object.Kind == "WorkflowTemplate":
			receiver.Template = object.Name
		}
	}
	r.Started(Webhook, "")
	notes, err := t.Cluster.AwaitReceiver(ctx, receiver)
	for _, note := range notes {
		r.Note(note)
	}
	if err == nil && len(notes) == 0 {
		r.Ready()
	}
	return err
}
