package environment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/account"
	"github.com/aphex/aphex-pipeline/internal/assets"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/schedule"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// CheckRequest asks whether a commit can be deployed to its environments.
type CheckRequest struct {
	Config  *config.Config
	Commit  string
	Branch  string
	Scratch string // folder for what is needed in between
	// Workspace gives a folder with the built workspace that nobody else uses: an
	// app may write into its folder while it is synthesized.
	Workspace func(ctx context.Context) (dir string, err error)
	Assembly  string        // folder of an assembly to use in place of a synthesis; may be empty
	Bucket    string        // that remembers what earlier runs deployed; may be empty
	Lookups   bool          // let the CDK CLI look up missing context
	Limit     time.Duration // how long one synthesis may take
}

// Checked is what the environments of a commit deploy.
type Checked struct {
	// Undeployed are the construct paths of the app's stacks that no environment deploys.
	Undeployed []string
	// Removed are stacks that an earlier run deployed and no environment deploys any more.
	Removed []stage.RemovedStack
}

// Check synthesizes every environment and finds its stacks, as its deployment
// will, and changes nothing in the accounts. The error has what is wrong with every environment:
// an app that fails, missing context, unknown names, another account or region.
func Check(ctx context.Context, d Deps, frame stage.Frame, r CheckRequest) (Checked, error) {
	tell := newTelling(d, frame, "")
	defer tell.Watch()()
	defer tell.begin(fmt.Sprintf("synthesizing %d environments", len(r.Config.Environments)))()
	free, err := r.workspaces(ctx)
	if err != nil {
		return Checked{}, err
	}
	var nodes []schedule.Node
	for _, env := range r.Config.Environments {
		nodes = append(nodes, schedule.Node{Name: env.Name})
	}
	results := schedule.Run(ctx, cap(free), nodes, func(ctx context.Context, name string) (arranged, error) {
		workspace := <-free
		defer func() { free <- workspace }()
		env, _ := r.Config.Environment(name)
		found, err := r.arrange(ctx, d, frame, tell, env, workspace)
		if err != nil && fault.KindOf(err) != fault.Temporary && ctx.Err() == nil {
			found.problem, err = err, nil // the others are looked at all the same
		}
		return found, err
	})
	checked, c, err := conclusion(results)
	if err != nil || !d.keepsInventory(r.Bucket) {
		return checked, err
	}
	found, err := d.readInventories(ctx, r.Bucket)
	if err != nil {
		frame.Log.Warn("whether earlier runs deployed stacks that are gone from app or configuration is not known", "error", err)
		return checked, ctx.Err()
	}
	c.bucket, c.config = r.Bucket, r.Config
	checked.Removed = d.removed(ctx, frame, found, c)
	return checked, ctx.Err()
}

// workspaces gives as many folders as syntheses may run at once: one a processor.
func (r CheckRequest) workspaces(ctx context.Context) (chan string, error) {
	free := make(chan string, min(runtime.NumCPU(), len(r.Config.Environments)))
	for range cap(free) {
		dir, err := r.Workspace(ctx)
		if err != nil {
			return nil, err
		}
		free <- dir
	}
	return free, nil
}

// arranged is what an environment deploys, or why it cannot be deployed.
type arranged struct {
	all      []string // construct paths of all stacks of its apps
	deployed []string
	spots    []spot // of the stacks that are deployed
	problem  error
}

// arrangedOf says what an environment deploys, of which apps.
func arrangedOf(env config.Environment, targets []target, apps []*app) (found arranged) {
	for _, app := range apps {
		for _, stack := range app.assembly.Stacks {
			found.all = append(found.all, stack.Path)
		}
	}
	for _, t := range targets {
		found.deployed = append(found.deployed, t.stack.Path)
		found.spots = append(found.spots, spot{env.Account, t.region, t.stack.Name})
	}
	return found
}

// arrange looks at one environment. An account that the pipeline may not enter
// yet, as its rights come with the update of the pipeline, does not keep its app
// from being synthesized.
func (r CheckRequest) arrange(ctx context.Context, d Deps, frame stage.Frame, tell *telling, env config.Environment, workspace string) (found arranged, err error) {
	scratch := filepath.Join(r.Scratch, env.Name)
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return found, fault.Writing(scratch, err)
	}
	frame.Out, frame.Log = io.Discard, slog.New(slog.DiscardHandler) // the deployment says it all
	j := &job{
		Request: Request{
			Environment: env, Workspace: workspace, Scratch: scratch, Commit: r.Commit, Branch: r.Branch, Assembly: r.Assembly, Lookups: r.Lookups, Limit: r.Limit,
		},
		deps: d, frame: frame, progress: tell,
	}
	entered := false
	switch err := j.enter(ctx); {
	case err == nil:
		defer j.loan.Close()
		entered = true
	case fault.KindOf(err) == fault.Temporary || ctx.Err() != nil:
		return found, err
	default:
		j.entry = &account.Entry{Target: account.Target{Account: env.Account, Region: env.Region}, Partition: env.Partition()}
	}
	targets, apps, _, err := j.arrange(ctx)
	if err == nil && entered {
		err = j.imagesCanBeBuilt(ctx, targets, apps)
	}
	return arrangedOf(env, targets, apps), err
}

// imagesCanBeBuilt finds images for which docker is missing or does not answer.
// What else may be wrong with their places is for the deployment to say: here the
// account's bootstrap and the pipeline's rights may not be what they will be.
func (j *job) imagesCanBeBuilt(ctx context.Context, targets []target, apps []*app) error {
	d, err := j.newDeployment(ctx, apps)
	if err != nil {
		return err
	}
	for _, t := range targets {
		if err := d.adoptLegacy(ctx, &t); err != nil {
			continue
		}
		var unable *assets.NoDockerError
		if err := d.ready(ctx, t); errors.As(err, &unable) {
			return err
		}
	}
	return ctx.Err()
}

// conclusion joins what was found of all environments.
func conclusion(results []schedule.Result[arranged]) (Checked, comparison, error) {
	c := comparison{wanted: map[spot]bool{}, paths: map[string]bool{}}
	var all, deployed []string
	var wrong []schedule.Result[arranged]
	for _, result := range results {
		if result.Err != nil {
			return Checked{}, c, fmt.Errorf("environment %s: %w", result.Name, result.Err)
		}
		if result.Value.problem != nil {
			wrong = append(wrong, result)
		}
		c.want(result.Value)
		all, deployed = append(all, result.Value.all...), append(deployed, result.Value.deployed...)
	}
	switch len(wrong) {
	case 0:
		slices.Sort(all)
		undeployed := slices.DeleteFunc(slices.Compact(all), func(path string) bool { return slices.Contains(deployed, path) })
		return Checked{Undeployed: undeployed}, c, checkOnce(results)
	case 1:
		return Checked{}, c, fmt.Errorf("environment %s: %w", wrong[0].Name, wrong[0].Value.problem)
	}
	return Checked{}, c, together(wrong, len(results))
}

// checkOnce refuses a pipeline that deploys one stack to two environments: each
// would undo what the other did.
func checkOnce(results []schedule.Result[arranged]) error {
	first := map[spot]string{}
	var twice []string
	for _, result := range results {
		for _, s := range result.Value.spots {
			if other, found := first[s]; found {
				twice = append(twice, fmt.Sprintf("%s in %s %s is a stack of the environments %s and %s", s.name, s.account, s.region, other, result.Name))
				continue
			}
			first[s] = result.Name
		}
	}
	if len(twice) == 0 {
		return nil
	}
	return fault.Invalidf("one stack is deployed to two environments, which would undo each other's deployments:\n  %s", strings.Join(twice, "\n  ")).
		WithHint("give the environments other accounts or regions, list the stack in one of them, or let the app name its stacks by ENVIRONMENT_NAME")
}

// together says what is wrong with several environments; what is wrong with many
// in the same way is said once.
func together(wrong []schedule.Result[arranged], of int) error {
	var texts []string
	names, errs := map[string][]string{}, []error{}
	for _, result := range wrong {
		text := result.Value.problem.Error()
		if hint := fault.HintOf(result.Value.problem); hint != "" {
			text += "\n    hint: " + strings.ReplaceAll(hint, "\n", "\n    ")
		}
		if names[text] == nil {
			texts = append(texts, text)
		}
		names[text] = append(names[text], result.Name)
		errs = append(errs, result.Value.problem)
	}
	message := fmt.Sprintf("%d of %d environments cannot be deployed:", len(wrong), of)
	for _, text := range texts {
		message += fmt.Sprintf("\n  %s: %s", strings.Join(names[text], ", "), text)
	}
	if fault.KindOf(errors.Join(errs...)) == fault.Invalid {
		return fault.Invalidf("%s", message)
	}
	return fault.Failedf("%s", message)
}
