package main

import (
	"context"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/account"
	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/kubeconfig"
	"github.com/aphex/aphex-pipeline/internal/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/stages"
)

// completionFlags say what a configuration leaves out, such as one that was
// written for the predecessor of this product.
type completionFlags struct {
	GithubOwner  string `help:"Owner of the repository, where the configuration names none." placeholder:"NAME" group:"Completion"`
	GithubRepo   string `help:"Name of the repository, where the configuration names none." placeholder:"NAME" group:"Completion"`
	GithubBranch string `help:"Branch whose pushes are deployed, where the configuration names none." placeholder:"NAME" group:"Completion"`
	ClusterName  string `help:"Name of the cluster, where the configuration names none." placeholder:"NAME" group:"Completion"`
}

// load reads a configuration and completes it.
func (f completionFlags) load(file string) (*config.Config, error) {
	cfg, err := config.Load(file)
	if err != nil {
		return nil, fault.Invalidf("%w", err)
	}
	if err := cfg.FillIn(config.Fallback{
		GithubOwner: f.GithubOwner, GithubRepo: f.GithubRepo, GithubBranch: f.GithubBranch, ClusterName: f.ClusterName,
	}); err != nil {
		return nil, fault.Invalidf("%w", err)
	}
	return cfg, nil
}

// liveFlags are those of every verb that looks at a cluster.
type liveFlags struct {
	configFlag
	completionFlags
	Account    string `help:"Account of the pipeline itself (default: that of your AWS credentials)." placeholder:"ID"`
	Region     string `help:"Region of the pipeline itself (default: that of your AWS credentials)."`
	Kubeconfig string `help:"Kubeconfig file (default: $KUBECONFIG, then ~/.kube/config)." type:"path" placeholder:"FILE"`
	Context    string `help:"Context of the kubeconfig (default: the current one)." placeholder:"NAME"`
}

// live is a pipeline and the cluster that it is brought to.
type live struct {
	cfg     *config.Config
	place   plan.Place
	names   plan.Names
	cluster kube.Cluster
	address string // of the cluster
}

// open reads the configuration, which must say everything that a cluster needs,
// connects to the cluster, and looks for the names that the pipeline has there.
func (f liveFlags) open(ctx context.Context) (live, error) {
	l, err := f.connect(ctx)
	if err != nil {
		return live{}, err
	}
	return l, l.keepNames(ctx)
}

// connect opens the pipeline as its configuration names it, whatever the cluster has.
func (f liveFlags) connect(ctx context.Context) (live, error) {
	cfg, err := f.load(f.Config)
	if err != nil {
		return live{}, err
	}
	if err := cfg.RequireCluster(); err != nil {
		return live{}, fault.Invalidf("%w", err).WithHint("write the keys into %s, or give --github-owner, --github-repo and --cluster-name", f.Config)
	}
	place, err := f.place(ctx, cfg)
	if err != nil {
		return live{}, err
	}
	cluster, address, err := kubeconfig.Connect(f.Kubeconfig, f.Context)
	if err != nil {
		return live{}, err
	}
	return live{cfg, place, plan.NamesOf(cfg, place), cluster, address}, nil
}

// keepNames gives a pipeline that is installed the names that it has, where the
// configuration leaves them out.
func (l *live) keepNames(ctx context.Context) error {
	installed, err := l.cluster.Installed(ctx, l.names.Pipeline, l.cfg.ArgoNamespace, l.cfg.ArgoEventsNamespace)
	if err != nil {
		return fmt.Errorf("looking for the names of the pipeline %q: %w", l.names.Pipeline, err)
	}
	if err := l.cfg.FillIn(config.Fallback{
		WorkflowTemplateName: installed.Template, EventSourceName: installed.EventSource, SensorName: installed.Sensor,
		ServiceAccountName: installed.ServiceAccount, WorkflowNamePrefix: installed.Variables["APHEX_PREFIX"],
		ArtifactBucketName: installed.Variables["APHEX_BUCKET"],
	}); err != nil {
		return fault.Invalidf("names of the pipeline %q in the cluster: %w", l.names.Pipeline, err)
	}
	l.place.Bucket = l.cfg.Bucket(l.place.Account, l.place.Region)
	l.names = plan.NamesOf(l.cfg, l.place)
	return nil
}

// place asks AWS where the pipeline lives, unless both flags say it.
func (f liveFlags) place(ctx context.Context, cfg *config.Config) (plan.Place, error) {
	if f.Account == "" || f.Region == "" {
		base, err := account.Load(ctx, f.Region)
		if err != nil {
			return plan.Place{}, err
		}
		if base.Region == "" {
			return plan.Place{}, fault.Invalidf("the region of the pipeline is not known").WithHint("give --region, or set AWS_REGION")
		}
		f.Region = base.Region
		if f.Account == "" {
			here, err := account.Identify(ctx, base)
			if err != nil {
				return plan.Place{}, err
			}
			f.Account = here.Account
		}
	}
	return placeFlags{Account: f.Account, Region: f.Region}.place(cfg, inRepository(f.Config)), nil
}

// objects renders the pipeline beside what the cluster already has.
func (l live) objects(ctx context.Context) ([]manifest.Object, error) {
	p, err := plan.New(l.cfg, stages.Contracts(), l.place)
	if err != nil {
		return nil, err
	}
	return argo.ObjectsBeside(l.cfg, p, l.place, l.cluster.Taken(ctx, l.cfg.ArgoNamespace))
}

func (l live) webhookSecret() manifest.Object {
	return manifest.Object{Kind: "Secret", Namespace: l.cfg.ArgoEventsNamespace, Name: l.names.WebhookSecret}
}

// awaitReceiver waits until a push would start a run, and says so.
func (l live) awaitReceiver(ctx context.Context, std streams, objects []manifest.Object) error {
	receiver := kube.Receiver{
		Namespace: l.cfg.ArgoEventsNamespace, EventSource: l.cfg.EventSourceName, Sensor: l.cfg.SensorName,
		Port: argo.WebhookPort, Path: argo.WebhookPath, Triggers: argo.Triggers,
	}
	for _, object := range objects {
		switch object.Kind {
		case "Service":
			receiver.Service = object.Name
		case "WorkflowTemplate":
			receiver.Template = object.Name
		}
	}
	fmt.Fprintf(std.err, "waiting until a push would be received\n")
	notes, err := l.cluster.AwaitReceiver(ctx, receiver)
	for _, note := range notes {
		fmt.Fprintf(std.err, "note: %s\n", note)
	}
	if err == nil && len(notes) == 0 {
		fmt.Fprintf(std.err, "the webhook listens and the Sensor has subscribed: the next push starts a run\n")
	}
	return err
}

// tellChanges prints what became of each object.
func tellChanges(std streams, changes []manifest.Change) {
	for _, change := range changes {
		fmt.Fprintf(std.err, "%s %s\n", change.Object, change.Action)
	}
}
