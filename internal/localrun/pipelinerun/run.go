package pipelinerun

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/localrun"
	"github.com/aphex/aphex-pipeline/internal/localrun/cloud"
	"github.com/aphex/aphex-pipeline/internal/localrun/source"
	"github.com/aphex/aphex-pipeline/internal/localrun/state"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages"
)

// Run runs the pipeline, and with Watch again for each new commit, until the context ends.
func Run(ctx context.Context, o Options) error {
	if err := plan.CheckPlace(o.Account, o.Region); err != nil {
		return err
	}
	if o.Watch {
		return watch(ctx, o)
	}
	return once(ctx, o)
}

// once runs the pipeline once, with the run that it hands over to, and prints a
// summary. It returns an error unless the run succeeded.
func once(ctx context.Context, o Options) error {
	if err := proc.Refusal(); err != nil {
		return err
	}
	src, err := source.Open(ctx, o.Source)
	if err != nil {
		return err
	}
	cfg, file, err := src.Config(o.Config)
	if err != nil {
		return err
	}
	if err := o.checkChoice(cfg); err != nil {
		return err
	}
	if o.Plan && cfg.PullRequests.Plan == config.PlanOff {
		return errs.Invalidf("--plan: pullRequests.plan of %s is off", file).WithHint("remove it, and commit")
	}
	o.Config = file
	dir := cmp.Or(o.State, filepath.Join(src.Folder(), ".aphex"))
	folder, err := state.Open(ctx, dir, state.Run, func(other string) { fmt.Fprintf(o.Err, "%s uses %s; waiting until it ends\n", other, dir) })
	if err != nil {
		return err
	}
	defer folder.Close()
	l := localRun{Options: o, src: src, cfg: cfg, state: folder, console: newConsole(o.Err), began: time.Now()}
	l.console.json = o.LogFormat == "json"
	if o.From != "" {
		if l.last, err = l.recall(); err != nil {
			return err
		}
	}
	if err := l.keepPublicKey(); err != nil {
		return err
	}
	l.console.live()
	return l.run(ctx)
}

// localRun is one local run.
type localRun struct {
	Options
	src     source.Source
	cfg     *config.Config
	state   state.Folder
	console *console
	cloud   cloud.Cloud
	began   time.Time
	last    built    // what the run goes on with, if it does
	gates   []string // environments that wait for an approval in the run that was handed over to
}

// openCloud starts the simulator with the accounts of the configuration and creates the
// artifact bucket there, unless the run deploys to the real AWS.
func (l *localRun) openCloud(ctx context.Context, place plan.Place) (cloud.Cloud, error) {
	if l.AWS != "simulator" {
		l.console.notef("  aws     the accounts of your credentials (default chain)\n")
		return cloud.Cloud{}, nil
	}
	accounts := append([]string{place.Account}, cloud.AccountsOf(l.cfg)...)
	c, err := cloud.Simulate(cloud.Simulation{Dir: l.state.AWS(), Accounts: accounts, Region: place.Region, Notef: l.console.notef})
	if err != nil {
		return cloud.Cloud{}, err
	}
	if err := c.MakeBucket(ctx, place, l.state.Place()); err != nil {
		c.Close()
		return cloud.Cloud{}, err
	}
	if signing := l.cfg.Signing; signing != nil {
		if err := c.MakeKey(signing.KMSKeyARN); err != nil {
			c.Close()
			return cloud.Cloud{}, err
		}
	}
	if err := l.state.Keep(addressFile, c.Address()); err != nil {
		c.Close()
		return cloud.Cloud{}, err
	}
	return c, nil
}

func (l *localRun) run(ctx context.Context) error {
	name := l.state.NewRun(l.cfg.WorkflowNamePrefix, time.Now())
	l.introduce(name)
	place := plan.PlaceOf(l.cfg, l.Account, l.Region, l.Config)
	var err error
	if l.cloud, err = l.openCloud(ctx, place); err != nil {
		return err
	}
	defer l.cloud.Close()
	template, err := l.template(ctx, place)
	if err != nil {
		return err
	}
	runs, err := l.execute(ctx, name, template)
	if err != nil {
		return errs.Failedf("%w", err)
	}
	return l.conclude(ctx, place, runs)
}

// listedChanges is the most uncommitted files that are named.
const listedChanges = 5

func (l *localRun) introduce(name string) {
	if a := l.Asked; a != nil {
		l.console.notef("%s\n  commit  %.10s  %s of %s\n", l.console.style(screen.Bold, "Run "+name), a.Commit, a.Purpose, strings.Join(a.Environments, ", "))
		return
	}
	l.console.notef("%s\n  commit  %.10s (%s)  %s\n", l.console.style(screen.Bold, "Run "+name), l.src.Commit, l.src.Branch, l.src.Subject)
	if changed := l.src.Changed; len(changed) > 0 {
		more := ""
		if len(changed) > listedChanges {
			more = fmt.Sprintf(" and %d more", len(changed)-listedChanges)
		}
		l.console.notef("  %s the folder has uncommitted changes, which are not part of this run: %s%s\n",
			l.console.style(screen.Yellow, "note:"), strings.Join(changed[:min(len(changed), listedChanges)], ", "), more)
	}
}

// template returns the pipeline in the state of the last run. On the first run, and after
// a move to another account, region or bucket, it is rendered from the commit's
// configuration.
func (l *localRun) template(ctx context.Context, place plan.Place) (*localrun.Template, error) {
	folder := manifest.Folder(l.state.Objects())
	object, found, err := find(folder, "WorkflowTemplate")
	if err != nil {
		return nil, err
	}
	if !found || l.state.Place() != place {
		objects, err := argo.Render(l.cfg, stages.Contracts(), place)
		if err != nil {
			return nil, err
		}
		if _, err := folder.Apply(ctx, objects); err != nil {
			return nil, err
		}
		if err := l.state.KeepPlace(place); err != nil {
			return nil, err
		}
		if object, _, err = find(folder, "WorkflowTemplate"); err != nil {
			return nil, err
		}
	}
	return parsed(folder, object)
}

func parsed(folder manifest.Folder, object manifest.Object) (*localrun.Template, error) {
	template, err := localrun.Parse(object.YAML)
	if err != nil {
		return nil, errs.Invalidf("the objects in %q: %w", folder, err).WithHint("remove the folder to start with a new pipeline")
	}
	return template, nil
}

func find(folder manifest.Folder, kind string) (manifest.Object, bool, error) {
	objects, err := folder.Objects()
	for _, object := range objects {
		if object.Kind == kind {
			return object, true, err
		}
	}
	return manifest.Object{}, false, err
}

// execute runs the template and, after a handover, the template that the first run
// installed.
func (l *localRun) execute(ctx context.Context, name string, template *localrun.Template) ([]localrun.Result, error) {
	defer l.console.watch(ctx)()
	if l.Asked != nil {
		result, err := l.once(ctx, name, l.Asked.Entry(), l.Asked.Values(), template)
		return []localrun.Result{result}, err
	}
	if l.Plan {
		result, err := l.once(ctx, name, argo.CheckEntry, nil, template)
		return []localrun.Result{result}, err
	}
	if l.From != "" {
		l.gates = strings.Fields(l.last.Handover.Gates)
		result, err := l.once(ctx, name, argo.ResumeEntry, argo.ResumedValues(l.last.Origin, l.last.Handover), template)
		return []localrun.Result{result}, err
	}
	if err := l.state.Keep(builtFile, built{}); err != nil {
		return nil, err
	}
	first, err := l.once(ctx, name, "", nil, template)
	if err != nil {
		return []localrun.Result{first}, err
	}
	handover, err := handoverOf(first)
	if err == nil {
		err = l.remember(first, handover)
	}
	if err != nil || handover == nil || first.Status != localrun.Succeeded {
		return []localrun.Result{first}, err
	}
	l.gates = strings.Fields(handover.Gates)
	folder := manifest.Folder(l.state.Objects())
	object, found, err := find(folder, "WorkflowTemplate")
	if err != nil || !found {
		return nil, fmt.Errorf("reading the pipeline that run %q handed over to, in %q: %w", name, folder, err)
	}
	if template, err = parsed(folder, object); err != nil {
		return nil, err
	}
	l.console.handedOver(name, handover.Run)
	second, err := l.once(ctx, handover.Run, argo.ResumeEntry, argo.ResumedValues(name, *handover), template)
	return []localrun.Result{first, second}, err
}

// handoverOf returns the handover of a run; nil is none.
func handoverOf(run localrun.Result) (*stage.Handover, error) {
	for _, step := range run.Steps {
		if handover, err := stage.ParseHandover(step.Outputs[stage.HandoverOutput]); handover != nil || err != nil {
			return handover, err
		}
	}
	return nil, nil
}

// once runs the template once from an entrypoint; "" is the template's own.
func (l *localRun) once(ctx context.Context, name, entrypoint string, more map[string]string, template *localrun.Template) (localrun.Result, error) {
	l.console.width = longestStep(template)
	parameters := map[string]string{
		plan.CommitSHA: l.src.Commit, plan.Branch: l.src.Branch, plan.RepoURL: checkout.FolderURL(l.src.Top),
		plan.RepoName: filepath.Base(l.src.Top), plan.Pusher: l.src.Author,
	}
	maps.Copy(parameters, more)
	return localrun.Run(ctx, template, localrun.Options{
		Name:       name,
		Entrypoint: entrypoint,
		Parameters: parameters,
		Dir:        filepath.Join(l.state.Run(name), "steps"),
		Env:        l.environment(),
		Step:       argo.StepOf,
		Program:    sibling,
		LeaveOut:   l.leftOut(),
		Keep:       l.Keep,
		Approve:    l.approve,
		Begin: func(ctx context.Context, task string, waiting func()) error {
			return l.decide(ctx, name, task, waiting)
		},
		Log:     l.console.opener(filepath.Join(l.state.Run(name), "logs")),
		Observe: l.console.observe,
	})
}

func longestStep(t *localrun.Template) (width int) {
	graphs := map[string]bool{}
	for _, node := range t.Spec.Templates {
		graphs[node.Name] = node.DAG != nil
	}
	for _, node := range t.Spec.Templates {
		if node.DAG == nil {
			continue
		}
		for _, task := range node.DAG.Tasks {
			if !graphs[task.Template] {
				width = max(width, len(task.Name))
			}
		}
	}
	return width
}

// sibling returns the path of a stage's program, in the folder of this one.
func sibling(command string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("locating this program: %w", err)
	}
	path := filepath.Join(filepath.Dir(self), filepath.Base(command))
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("the program %q is not in the folder of this one: %w", command, err)
	}
	return path, nil
}
