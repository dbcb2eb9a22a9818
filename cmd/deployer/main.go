// Command deployer updates the pipeline itself and deploys environments.
package main

import (
	"context"
	"maps"
	"os"
	"time"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/attest"
	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets/buildkit"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/notify"
	"github.com/aphex/aphex-pipeline/internal/notify/github"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages"
	deploystage "github.com/aphex/aphex-pipeline/stages/deploy"
	"github.com/aphex/aphex-pipeline/stages/diagnose"
	"github.com/aphex/aphex-pipeline/stages/gate"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
	"github.com/aphex/aphex-pipeline/stages/planning"
	"github.com/aphex/aphex-pipeline/stages/reconcile"
	"github.com/aphex/aphex-pipeline/stages/record"
	"github.com/aphex/aphex-pipeline/stages/rollback"
)

func main() {
	if verb := stage.StepsCommand()[1]; len(os.Args) > 1 && os.Args[1] == verb {
		os.Exit(runSteps())
	}
	os.Exit(program(kube.InCluster).Main())
}

// connect connects to the cluster of the pipeline.
type connect func() (kube.Cluster, error)

func program(cluster connect) stage.Program {
	return stage.Program{
		Name: "deployer",
		Help: "deployer updates the pipeline itself, plans environments, waits for their gates, deploys them, rolls them back, explains failures, records runs and starts runs of missed pushes.\n\n" +
			"In a pod, \"deployer steps 'deployer environment' tester\" runs several stages one after another, until one fails. " +
			"TESTER_APHEX_STEP sets APHEX_STEP for the tester alone.",
		Stages: []stage.Stage{
			stage.Of(pipeline.Contract(), pipeline.Help, cluster.runPipeline),
			stage.Of(gate.Contract(), gate.Help, runGate),
			stage.Of(deploystage.Contract(), deploystage.Help, runEnvironment),
			stage.Of(planning.Contract(), planning.Help, runPlan),
			stage.Of(rollback.Contract(), rollback.Help, runRollback),
			stage.Of(diagnose.Contract(), diagnose.Help, runDiagnose),
			stage.Of(record.Contract(), record.Help, runRecord),
			stage.Of(reconcile.Contract(), reconcile.Help, cluster.runReconcile),
		},
		Bucket: clients.NamedBucket,
	}
}

func (connected connect) runPipeline(ctx context.Context, frame stage.Frame, in pipeline.Input) (pipeline.Output, error) {
	artifacts, err := clients.NamedBucket(ctx, in.Bucket)
	if err != nil {
		return pipeline.Output{}, err
	}
	defer artifacts.Release()
	engine, end, err := engine(ctx, frame, in.Bucket, in.BuilderAddress)
	if err != nil {
		return pipeline.Output{}, err
	}
	defer end()
	d := pipeline.Deps{
		Stages: stages.Contracts(), Bucket: artifacts, Apply: manifest.Folder(in.Objects).Apply,
		DeployStack: func(ctx context.Context, frame stage.Frame, workspace string, stack config.Stack, region, role string) error {
			if in.Objects != "" { // a person's credentials
				role = ""
			}
			return deployStack(ctx, engine.In(frame, progress.Options{}), in, workspace, stack, region, role)
		},
	}
	d.Proven = func(ctx context.Context, commit, environment string) (bool, error) {
		return record.IsProven(ctx, artifacts, commit, environment)
	}
	d.Check = func(ctx context.Context, frame stage.Frame, cfg *config.Config, workspace deploy.Copy) (pipeline.Checked, error) {
		return checkEnvironments(ctx, deploystage.Deps{Engine: engine, Bucket: artifacts}, frame, in, cfg, workspace)
	}
	if in.Objects == "" { // the cluster that this pod runs in
		cluster, err := connected()
		if err != nil {
			return pipeline.Output{}, err
		}
		d.Head, d.Order = headOf, orderOf
		d.Approved = func(ctx context.Context, cfg *config.Config, access plan.Access) (bool, error) {
			annotations, err := cluster.Annotations(ctx, argo.DeployerAccount(cfg, in.Place(), access))
			return argo.Approves(annotations, access), err
		}
		d.Taken, d.Try, d.Apply, d.Remove, d.UpdateCloud = cluster.Taken, cluster.Try, cluster.Update, cluster.Remove, updateCloud
		d.Start = cluster.Create
		d.Attests = func(ctx context.Context, cfg *config.Config) (bool, error) {
			impostor, err := argo.Impostor(cfg, in.Place(), in.Template)
			if err != nil {
				return false, err
			}
			return cluster.Denies(ctx, argo.Attestation(cfg, in.Place()), impostor)
		}
	}
	return pipeline.Run(ctx, d, frame, in)
}

// checkEnvironments synthesizes every environment of the commit and compares the
// stacks with those that earlier runs deployed.
func checkEnvironments(
	ctx context.Context, d deploystage.Deps, frame stage.Frame, in pipeline.Input, cfg *config.Config, built deploy.Copy,
) (pipeline.Checked, error) {
	scratch, err := checkout.Scratch("check-")
	if err != nil {
		return pipeline.Checked{}, err
	}
	defer remove.All(scratch)
	offline := in.Objects != "" && !awsauth.HasCredentials(ctx, in.Region)
	if offline {
		frame.Log.Warn("there are no AWS credentials: the accounts of the environments are not checked")
	}
	checked, removed, err := deploystage.Check(ctx, d, frame, deploy.CheckRequest{
		Config: cfg, Commit: in.Commit, Branch: in.Branch, Scratch: scratch, Workspace: built, Lookups: in.Lookups || cfg.Lookups, Limit: time.Hour,
		Offline: offline, Updates: in.Objects == "" || cfg.PipelineStack != nil, LooksOnly: in.Objects == "",
	})
	return pipeline.Checked{Undeployed: checked.Undeployed, Removed: removed, Access: checked.Access}, err
}

// deployStack deploys the repository's own pipeline stack, in the account that
// the pipeline runs in. CloudFormation assumes the role.
func deployStack(ctx context.Context, e deploy.Engine, in pipeline.Input, workspace string, stack config.Stack, region, role string) error {
	base, err := awsauth.Load(ctx, region)
	if err != nil {
		return err
	}
	here, err := awsauth.Identify(ctx, base)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "pipeline-stack-")
	if err != nil {
		return errs.Temporaryf("creating a folder for the deployment: %w", err)
	}
	defer remove.All(scratch)
	if err := e.Runner.Send(ctx, workspace); err != nil {
		return err
	}
	defer e.Reporter.Watch()()
	_, err = e.Deploy(ctx, deploy.Request{
		Name: "pipeline", Account: here.Account, Region: region, ExecutionRole: role, Commit: in.Commit, Branch: in.Branch,
		Workspace: workspace, Scratch: scratch, Stacks: []config.Stack{stack}, Limit: time.Hour,
	})
	return err
}

func runEnvironment(ctx context.Context, frame stage.Frame, in deploystage.Input) (deploystage.Output, error) {
	artifacts, err := clients.Bucket(ctx, in.Bucket, in.ArtifactDir)
	if err != nil {
		return deploystage.Output{}, err
	}
	engine, end, err := engine(ctx, frame, in.Bucket, in.BuilderAddress)
	if err != nil {
		return deploystage.Output{}, err
	}
	defer end()
	return deploystage.Run(ctx, deploystage.Deps{Engine: engine, Bucket: artifacts, Key: clients.ProvenanceKey}, frame, in)
}

// runGate waits for the gates of an environment.
func runGate(ctx context.Context, frame stage.Frame, in gate.Input) (gate.Output, error) {
	artifacts, err := clients.Bucket(ctx, in.Bucket, in.ArtifactDir)
	if err != nil {
		return gate.Output{}, err
	}
	return gate.Run(ctx, gate.Deps{Bucket: artifacts}, frame, in)
}

func runPlan(ctx context.Context, frame stage.Frame, in planning.Input) (planning.Output, error) {
	artifacts, err := clients.Bucket(ctx, in.Bucket, "")
	if err != nil {
		return planning.Output{}, err
	}
	engine, end, err := engine(ctx, frame, in.Bucket, assets.BuilderAddress{})
	if err != nil {
		return planning.Output{}, err
	}
	defer end()
	repository := clients.Repository{URL: in.Repository, Host: in.Host, Secret: in.TokenSecret, App: in.GithubApp}
	return planning.Run(ctx, planning.Deps{
		Engine: engine, Bucket: artifacts,
		Commits: checkout.Commits{CheckOut: checkout.CheckOut, Token: func(ctx context.Context) (string, error) {
			return repository.Token(ctx, frame.Redactor.Add)
		}},
		Repository: func(ctx context.Context) (planning.Commenter, error) {
			return repository.Open(ctx, "", frame.Redactor.Add, github.CommentOn)
		},
	}, frame, in)
}

func runRollback(ctx context.Context, frame stage.Frame, in rollback.Input) (rollback.Output, error) {
	engine, end, err := engine(ctx, frame, "", assets.BuilderAddress{})
	if err != nil {
		return rollback.Output{}, err
	}
	defer end()
	return rollback.Run(ctx, rollback.Deps{Engine: engine}, frame, in)
}

// engine returns the deployment engine of this program, and a function to call at its
// end. It comes before every command of the repository, and reads what these must not write.
func engine(ctx context.Context, frame stage.Frame, records string, images assets.BuilderAddress) (deploy.Engine, func(), error) {
	registries := assets.ReadRegistries(os.Environ())
	runner, end, err := clients.OpenRunner(ctx, frame, proc.Runner{})
	e := deploy.Engine{Runner: runner, Assume: clients.Assume, Secrets: clients.Secrets, Registries: registries, Records: records}
	if err != nil || images.ImageBuilder == "" {
		return e, end, err
	}
	builder, err := buildkit.Open(ctx, images)
	if err != nil {
		end()
		return e, nil, err
	}
	e.ImageBuilder = builder
	return e, func() { _ = builder.Close(); end() }, nil
}

func runDiagnose(ctx context.Context, frame stage.Frame, in diagnose.Input) (diagnose.Output, error) {
	var records bucket.Bucket
	if in.Run != "" {
		opened, err := clients.Bucket(ctx, in.Bucket, in.ArtifactDir)
		if err != nil {
			return diagnose.Output{}, err
		}
		records = opened
	}
	engine, end, err := engine(ctx, frame, "", assets.BuilderAddress{})
	if err != nil {
		return diagnose.Output{}, err
	}
	defer end()
	return diagnose.Run(ctx, diagnose.Deps{Engine: engine, Bucket: records}, frame, in)
}

func runRecord(ctx context.Context, frame stage.Frame, in record.Input) (record.Output, error) {
	artifacts, err := clients.NamedBucket(ctx, in.Bucket)
	if err != nil {
		return record.Output{}, err
	}
	targets, err := notify.Parse(in.Notifications)
	if err != nil {
		return record.Output{}, err
	}
	at := clients.Repository{URL: in.Repository, Host: in.Host, Secret: in.TokenSecret, App: in.GithubApp}
	return record.Run(ctx, record.Deps{
		Bucket: artifacts, Signer: func(ctx context.Context) (attest.Signer, error) { return clients.Signer(ctx, in.Signing) }, Subscriptions: notify.Subscriptions(targets, clients.Notifications("", frame.Redactor.Add, at)), Publish: clients.PublishMetrics,
	}, frame, in)
}

// runReconcile starts the run of a missed push, in the cluster of this pod.
func (connected connect) runReconcile(ctx context.Context, frame stage.Frame, in reconcile.Input) (reconcile.Output, error) {
	artifacts, err := clients.NamedBucket(ctx, in.Bucket)
	if err != nil {
		return reconcile.Output{}, err
	}
	cluster, err := connected()
	if err != nil {
		return reconcile.Output{}, err
	}
	return reconcile.Run(ctx, reconcile.Deps{
		Head: head, Bucket: artifacts,
		Start: func(ctx context.Context, missed reconcile.Missed) (string, bool, error) {
			return cluster.Submit(ctx, submission(missed))
		},
	}, frame, in)
}

// submission returns the run of a missed push as the Sensor would start it.
func submission(missed reconcile.Missed) kube.Submission {
	s := kube.Submission{
		Namespace: missed.Namespace, Sensor: missed.Sensor, Trigger: argo.PushTrigger, Name: missed.Run, Former: missed.Former, Title: missed.Commit,
		Parameters: map[string]string{plan.CommitSHA: missed.Commit, plan.Pusher: missed.Pusher},
	}
	if missed.Pusher == reconcile.OnSchedule {
		s.Title += ", on schedule"
	}
	if missed.Handover != nil {
		s.Title += argo.ResumedTitle
		s.Template, s.Entrypoint = missed.Handover.Template, argo.ResumeEntry
		maps.Copy(s.Parameters, argo.ResumedValues(missed.Origin, *missed.Handover))
	}
	return s
}

// headOf returns the commit at the head of a run's branch on the git server.
func headOf(ctx context.Context, frame stage.Frame, in pipeline.Input) (string, error) {
	return head(ctx, frame, reconcile.Input{
		Repository: in.Repository, Branch: in.Branch, TokenSecret: in.TokenSecret, GithubApp: in.GithubApp, Host: in.Host, AllowLocal: in.AllowLocal,
	})
}

// orderOf returns how the commit of a run relates to another one on the git server.
func orderOf(ctx context.Context, frame stage.Frame, in pipeline.Input, other string) (checkout.Order, error) {
	token, err := clients.Repository{URL: in.Repository, Host: in.Host, Secret: in.TokenSecret, App: in.GithubApp}.Token(ctx, frame.Redactor.Add)
	if err != nil {
		return "", err
	}
	return checkout.OrderOf(ctx, checkout.Options{
		URL: in.Repository, Branch: in.Branch, Commit: in.Commit, Token: token, Host: in.Host, AllowLocal: in.AllowLocal, Progress: frame.Out,
	}, other)
}

// head returns the commit at the head of a branch on the git server.
func head(ctx context.Context, frame stage.Frame, in reconcile.Input) (string, error) {
	token, err := clients.Repository{URL: in.Repository, Host: in.Host, Secret: in.TokenSecret, App: in.GithubApp}.Token(ctx, frame.Redactor.Add)
	if err != nil {
		return "", err
	}
	return checkout.Head(ctx, checkout.Options{
		URL: in.Repository, Branch: in.Branch, Token: token, Host: in.Host, AllowLocal: in.AllowLocal, Progress: frame.Out,
	})
}
