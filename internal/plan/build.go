package plan

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// New plans the pipeline that cfg declares. It fails only if a contract does not
// match the plan, which is a bug.
func New(cfg *config.Config, stages Stages, place Place) (Plan, error) {
	b := builder{stages: stages, place: place, last: map[string]string{}, images: imageBuilder(cfg)}
	b.head(cfg)
	for _, env := range sorted(cfg.Environments) {
		b.environment(env, AccessOf(cfg, env), proving(cfg, env))
	}
	exit := b.step("record", "Record the run", "deployer-record", Recorder, nil, merge(reports(cfg), signing(cfg), recordsImages(cfg, place), sources{
		"status": {Run, "", RunStatus}, "failures": {Run, "", RunFailures}, "created": {Run, "", RunCreated},
		"commit": {Parameter, "", CommitSHA}, "branch": {Parameter, "", Branch},
		"repository": {Parameter, "", RepoURL}, "pusher": {Parameter, "", Pusher}, "origin": {Parameter, "", Origin},
		"purpose": {Parameter, "", RunPurpose}, "only": {Parameter, "", Only}, "reason": {Parameter, "", Reason},
		"artifact": {Parameter, "", Artifact}, "digest": {Parameter, "", Digest}, "built-config": {Parameter, "", ConfigDigest},
		"bucket": literal(place.Bucket), "entrypoint": {Run, "", RunEntry}, "pipeline": literal(cfg.WorkflowTemplateName),
		"notifications": literal(targets(cfg)), "metrics": literal(strconv.FormatBool(cfg.Metrics)),
	}))
	return Plan{Steps: b.steps, Check: b.check(cfg), Exit: exit, Watch: b.watch(cfg), Skips: len(cfg.Triggers.Paths) > 0}, b.err
}

// Names of the first steps of every pipeline.
const (
	Validate = "validate"
	PlanStep = "plan" // of the check of a pull request
	Build    = "build"
	Pipeline = "pipeline"
)

// Reconcile is the name of the step of the reconciler, which starts runs for missed pushes.
const Reconcile = "reconcile"

// RepositoryURL returns the URL of the configured repository, or "".
func RepositoryURL(cfg *config.Config) string {
	if cfg.GithubOwner == "" || cfg.GithubRepo == "" {
		return ""
	}
	return "https://" + cfg.GithubHost + "/" + cfg.GithubOwner + "/" + cfg.GithubRepo + ".git"
}

// HasReconciler reports whether the pipeline has a reconciler: whether a schedule
// and a repository are configured.
func HasReconciler(cfg *config.Config) bool {
	return cfg.ReconcileSchedule+cfg.Triggers.Schedule != "" && RepositoryURL(cfg) != ""
}

// Again returns triggers.schedule with its time zone, as the parser of cron schedules
// reads both: CRON_TZ=Europe/Berlin 0 3 * * *. It returns "" without a schedule.
func Again(cfg *config.Config) string {
	if cfg.Triggers.Schedule == "" {
		return ""
	}
	return inZone + cmp.Or(cfg.Triggers.Timezone, "UTC") + " " + cfg.Triggers.Schedule
}

// inZone begins a schedule with a time zone.
const inZone = "CRON_TZ="

// ZoneOf splits what [Again] returns into the time zone and the five fields.
func ZoneOf(again string) (zone, schedule string) {
	zone, schedule, _ = strings.Cut(strings.TrimPrefix(again, inZone), " ")
	return zone, schedule
}

// sorted sorts environments after those that they wait for, and otherwise keeps
// the declared order. The configuration has no cycles.
func sorted(environments []config.Environment) []config.Environment {
	order := make([]config.Environment, 0, len(environments))
	placed := map[string]bool{}
	for grew := true; grew; {
		before := len(order)
		for _, env := range environments {
			if !placed[env.Name] && all(env.After, placed) {
				order, placed[env.Name] = append(order, env), true
			}
		}
		grew = len(order) > before
	}
	return order
}

func all(names []string, placed map[string]bool) bool {
	for _, name := range names {
		if !placed[name] {
			return false
		}
	}
	return true
}

type builder struct {
	stages Stages
	place  Place
	images sources           // the image builder; empty without one
	last   map[string]string // environment → its final step, for those planned so far
	steps  []Step
	err    error
}

type sources map[string]Source

func literal(text string) Source { return Source{Kind: Literal, Text: text} }

// repository returns the sources of what a stage needs to check out the commit.
func (b *builder) repository(cfg *config.Config) sources {
	return merge(app(cfg), sources{
		"commit": {Parameter, "", CommitSHA}, "repository": {Parameter, "", RepoURL},
		"branch": {Parameter, "", Branch}, "config": literal(b.place.Config),
		"token-secret": literal(cfg.RepositorySecret()), "host": literal(cfg.GithubHost),
	})
}

// head adds the steps before the environments.
func (b *builder) head(cfg *config.Config) {
	repository := b.repository(cfg)
	b.add(Validate, "Validate", "validator", Validator, nil, merge(repository, b.triggers(cfg), begins(cfg), sources{"access": literal(access(cfg))}))
	b.add(Build, "Build", "builder", Builder, []string{Validate}, merge(repository, signing(cfg), sources{
		"bucket": literal(b.place.Bucket), "config-digest": {Output, Validate, ConfigDigest}, "cache-branch": literal(cfg.GithubBranch),
	}))
	b.add(Pipeline, "Deploy the pipeline itself", "deployer-pipeline", Updater, []string{Build},
		merge(b.artifact(), b.images, app(cfg), sources{
			"images": literal(string(b.place.Images)), "account": literal(b.place.Account), "region": literal(b.place.Region), "on-failure": literal(string(cfg.SelfUpdate.OnFailure)),
			"github-owner": literal(cfg.GithubOwner), "github-repo": literal(cfg.GithubRepo),
			"host": literal(cfg.GithubHost), "github-branch": literal(cfg.GithubBranch), "cluster-name": literal(cfg.ClusterName),
			"template-name": literal(cfg.WorkflowTemplateName), "event-source": literal(cfg.EventSourceName),
			"sensor": literal(cfg.SensorName), "service-account": literal(cfg.ServiceAccountName),
			"repository": {Parameter, "", RepoURL}, "prefix": literal(cfg.WorkflowNamePrefix), "token-secret": literal(cfg.RepositorySecret()),
			"template": {Run, "", RunTemplate}, "environments": literal(names(cfg, everyOne)), "places": literal(places(cfg)), "gates": literal(names(cfg, RequiresApproval)),
			"held": {Parameter, "", Gates}, "origin": {Parameter, "", Origin}, "repo-name": {Parameter, "", RepoName}, "pusher": {Parameter, "", Pusher},
			"purpose": {Parameter, "", RunPurpose}, "only": {Parameter, "", Only}, "reason": {Parameter, "", Reason},
			"target": {Parameter, "", Target}, "override": {Parameter, "", Override}, "asks": literal("true"), "created": {Run, "", RunCreated},
		}))
	b.steps[len(b.steps)-1].Cluster = true
}

// BuilderInput is the input that names the image builder to a stage. A stage that has it gets
// the certificates for it in the folder BuilderFolder.
const (
	BuilderInput  = "image-builder"
	BuilderFolder = "/var/run/secrets/aphex.dev/image-builder"
)

// imageBuilder returns the inputs of stages that build images with the image builder.
func imageBuilder(cfg *config.Config) sources {
	images := cfg.ImageBuilder
	if images == nil {
		return nil
	}
	return sources{
		BuilderInput: literal(images.Address), BuilderInput + "-tls": literal(BuilderFolder), BuilderInput + "-server-name": literal(images.ServerName),
	}
}

// triggers returns the sources of what the validation needs for triggers.paths and
// triggers.tags.
func (b *builder) triggers(cfg *config.Config) sources {
	needed := sources{}
	if len(cfg.Triggers.Paths) > 0 {
		needed["bucket"] = literal(b.place.Bucket)
	}
	if len(cfg.Triggers.Paths)+len(cfg.Triggers.Tags) > 0 {
		needed["prefix"] = literal(cfg.WorkflowNamePrefix)
	}
	return needed
}

func everyOne(config.Environment) bool { return true }

// names lists the selected environments, separated by spaces.
func names(cfg *config.Config, wanted func(config.Environment) bool) string {
	var all []string
	for _, env := range cfg.Environments {
		if wanted(env) {
			all = append(all, env.Name)
		}
	}
	return strings.Join(all, " ")
}

// places lists where the environments are, as NAME=ACCOUNT/REGION, separated by spaces.
func places(cfg *config.Config) string {
	var all []string
	for _, env := range cfg.Environments {
		all = append(all, env.Name+"="+env.Account+"/"+env.Region)
	}
	return strings.Join(all, " ")
}

// access lists what the installed pipeline has access to, each once.
func access(cfg *config.Config) string {
	var all []string
	for _, access := range AccessesOf(cfg) {
		all = append(all, access.String())
	}
	return strings.Join(all, " ")
}

// stackOutputs is the file with the stack outputs, from the deployment to the tests.
const stackOutputs = "stack-outputs.json"

// environment adds approval, deployment and tests of one environment. The tests
// run in the pod of the deployment, as starting another takes longer than many tests.
func (b *builder) environment(env config.Environment, access Access, provenance sources) {
	after := []string{Pipeline}
	if len(env.After) > 0 {
		after = nil // the environments before it waited for the pipeline's own deployment
	}
	for _, name := range env.After {
		after = append(after, b.last[name])
	}
	b.last[env.Name] = Last(env)
	inputs := merge(b.artifact(), sources{"environment": literal(env.Name)})
	first := len(b.steps)
	b.add(Wait(env.Name), "Wait for the gates of "+env.Name, "deployer-gate", Recorder, after, sources{
		"environment": literal(env.Name), "commit": {Parameter, "", CommitSHA}, "bucket": literal(b.place.Bucket), "purpose": {Parameter, "", RunPurpose},
	})
	after = []string{Wait(env.Name)}
	deployment, file := merge(inputs, b.images, provenance, sources{"purpose": {Parameter, "", RunPurpose}}), Source{Kind: File, Text: stackOutputs}
	if env.Tests != nil {
		deployment = merge(deployment, sources{"detailed-outputs-file": file})
	}
	b.add(Deploy(env.Name), "Deploy "+env.Name, "deployer-environment", Deployer, after, deployment)
	if env.Tests != nil {
		b.add(Test(env.Name), "Test "+env.Name, "tester", Deployer, []string{Deploy(env.Name)}, merge(inputs, sources{"outputs-file": file}))
		b.steps[len(b.steps)-1].Pod = Deploy(env.Name)
	}
	for i := range b.steps[first:] {
		step := &b.steps[first+i]
		step.Environment, step.Unless = env.Name, LeftOut
		switch {
		case step.Identity == Deployer:
			step.Access = access
		case !env.Waits(): // whether an approval is required, the run decides
			step.Unless = NoApproval
		}
	}
}

// watch plans the reconciler, if a repository is configured.
func (b *builder) watch(cfg *config.Config) *Watch {
	if !HasReconciler(cfg) {
		return nil
	}
	needed := sources{
		"repository": literal(RepositoryURL(cfg)), "branch": literal(cfg.GithubBranch), "bucket": literal(b.place.Bucket),
		"prefix": literal(cfg.WorkflowNamePrefix), "sensor": literal(cfg.SensorName), "namespace": literal(cfg.ArgoEventsNamespace),
		"token-secret": literal(cfg.RepositorySecret()), "host": literal(cfg.GithubHost),
	}
	needed = merge(needed, app(cfg))
	again := Again(cfg)
	if again != "" {
		needed["schedule"], needed["created"] = literal(again), Source{Run, "", RunCreated}
	}
	step := b.step(Reconcile, "Check for missed pushes", "deployer-reconcile", Reconciler, nil, needed)
	step.Cluster = true
	return &Watch{step, cfg.ReconcileSchedule, again}
}

// artifact returns the sources of the inputs that all stages after the build share.
func (b *builder) artifact() sources {
	return sources{
		"commit": {Parameter, "", CommitSHA}, "branch": {Parameter, "", Branch}, "config": literal(b.place.Config),
		"bucket": literal(b.place.Bucket), "artifact": {Output, Build, "artifact"}, "digest": {Output, Build, "digest"},
		"config-digest": {Output, Validate, ConfigDigest},
	}
}

func (b *builder) add(name, title, stage string, identity Identity, after []string, from sources) {
	b.steps = append(b.steps, b.step(name, title, stage, identity, after, from))
}

// runsCommands are the stages that run commands of the repository. That of the pipeline
// itself synthesizes the app, to check the environments before anything is deployed.
var runsCommands = map[string]bool{"builder": true, "deployer-pipeline": true, "deployer-environment": true, "deployer-plan": true, "tester": true}

// step binds the inputs of a stage to their sources and checks that both fit.
func (b *builder) step(name, title, stage string, identity Identity, after []string, from sources) Step {
	c, found := b.stages.Named(stage)
	if !found {
		b.fail("step %q runs a stage %q that does not exist", name, stage)
		return Step{}
	}
	step := Step{Name: name, Title: title, Contract: c, Identity: identity, After: after, Commands: runsCommands[stage]}
	for _, param := range c.Inputs {
		source, bound := from[param.Name]
		switch {
		case bound:
			b.checkSource(name, source)
			step.Inputs = append(step.Inputs, Input{param, source})
		case param.Required:
			b.fail("step %q has no source for the required input %q of %s", name, param.Name, c.Name())
		}
	}
	for input := range from {
		if _, known := c.Input(input); !known {
			b.fail("step %q passes %s an unknown input %q", name, c.Name(), input)
		}
	}
	return step
}

// checkSource checks that the step of an output has that output.
func (b *builder) checkSource(name string, source Source) {
	if source.Kind != Output {
		return
	}
	for _, earlier := range b.steps {
		if earlier.Name != source.Step {
			continue
		}
		if _, left := earlier.Contract.Output(source.Text); left {
			return
		}
	}
	b.fail("step %q uses an output %q that step %q does not have", name, source.Text, source.Step)
}

func (b *builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("planning the pipeline: "+format, args...)
	}
}

func merge(all ...sources) sources {
	merged := sources{}
	for _, some := range all {
		for name, source := range some {
			merged[name] = source
		}
	}
	return merged
}
