package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/localrun"
	"github.com/aphex/aphex-pipeline/internal/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/workspace"
)

// runCmd runs the whole pipeline on this machine.
type runCmd struct {
	configFlag
	Source    string `help:"Folder of the git repository, or one in it; the commit that is checked out is run." default:"." type:"path" placeholder:"DIR"`
	State     string `help:"Folder for what outlives a run: the simulated AWS, the pipeline's objects, logs (default: .aphex in the source)." type:"path" placeholder:"DIR"`
	AWS       string `help:"Where to deploy: simulator, or default-chain for the AWS accounts that your credentials lead to." enum:"simulator,default-chain" default:"simulator" name:"aws"`
	LogFormat string `help:"What standard error carries: text for people, or a JSON record a line." enum:"text,json" default:"text"`
	Lookups   bool   `help:"Let the CDK CLI look up context that cdk.context.json lacks, in the accounts of --aws=default-chain; in simulated accounts it always may."`
	Yes       bool   `short:"y" help:"Approve every deployment that asks for it."`
	placeFlags
}

// Help teaches the verb.
func (runCmd) Help() string {
	return `Executes the rendered WorkflowTemplate with processes in place of pods: the wiring that a cluster gets
is the wiring that is run here. AWS is simulated unless --aws=default-chain says otherwise. A simulated
account is bootstrapped in a region, with the app's qualifier, when it is first used there; a real one never is.

The pipeline's objects are kept in the state folder, as a cluster keeps them. A commit is deployed by the
pipeline that it declares: where it declares another one than the last commit did, the run hands over to a
run of that one, which takes what was built.

Examples:

  generator run --source .
  generator run --source . --aws=default-chain --yes`
}

// Run makes one run and prints its summary. A run that failed is an error.
func (c runCmd) Run(ctx context.Context, std streams) error {
	src, err := openSource(ctx, c.Source)
	if err != nil {
		return err
	}
	cfg, file, err := src.config(c.Config)
	if err != nil {
		return err
	}
	c.Config = file
	state, err := openState(ctx, or(c.State, filepath.Join(src.folder(), ".aphex")), std)
	if err != nil {
		return err
	}
	defer state.close()
	l := laptop{runCmd: c, src: src, cfg: cfg, state: state, std: std, console: newConsole(std.err)}
	l.console.json = c.LogFormat == "json"
	l.console.live()
	return l.run(ctx)
}

// laptop is one local run.
type laptop struct {
	runCmd
	src     source
	cfg     *config.Config
	state   state
	std     streams
	console *console
	cloud   cloud
}

func (l *laptop) run(ctx context.Context) error {
	name := l.cfg.WorkflowNamePrefix + time.Now().UTC().Format("20060102-150405")
	l.introduce(name)
	place := l.place(l.cfg, l.Config)
	var err error
	if l.cloud, err = l.openCloud(ctx, place); err != nil {
		return err
	}
	defer l.cloud.close()
	template, err := l.template(ctx, place)
	if err != nil {
		return err
	}
	runs, err := l.execute(ctx, name, template)
	if err != nil {
		return fault.Failedf("%w", err)
	}
	return l.conclude(ctx, place, runs)
}

func (l *laptop) introduce(name string) {
	l.console.notef("%s\n  commit  %.10s (%s)  %s\n", l.console.style(bold, "Run "+name), l.src.commit, l.src.branch, l.src.subject)
	if l.src.changed {
		l.console.notef("  %s the folder holds changes that are not committed; they are not part of this run\n", l.console.style(yellow, "note:"))
	}
}

// template gives the pipeline as the last run left it. A pipeline that is run
// for the first time, or that lived in another account, region or bucket until
// now, is made from the commit's configuration.
func (l *laptop) template(ctx context.Context, place plan.Place) (*localrun.Template, error) {
	folder := manifest.Folder(l.state.objects())
	object, found, err := find(folder, "WorkflowTemplate")
	if err != nil {
		return nil, err
	}
	if !found || l.state.place() != place {
		objects, err := render(l.cfg, place)
		if err != nil {
			return nil, err
		}
		if _, err := folder.Apply(ctx, objects); err != nil {
			return nil, err
		}
		if err := l.state.keepPlace(place); err != nil {
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
		return nil, fault.Invalidf("the objects in %q: %w", folder, err).WithHint("remove the folder to start with a fresh pipeline")
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

// execute makes the run and, where it hands over, the one that goes on: by the
// template that the first has left in place of its own. A commit that is run again
// waits at the gates at which it waited, also where it has taken them away.
func (l *laptop) execute(ctx context.Context, name string, template *localrun.Template) ([]localrun.Result, error) {
	defer l.console.watch(ctx)()
	more := map[string]string{}
	if gates := l.state.gates(l.src.commit); gates != "" {
		more[plan.Gates] = gates
	}
	first, err := l.once(ctx, name, "", more, template)
	if err != nil || first.Status != localrun.Succeeded {
		return []localrun.Result{first}, err
	}
	handover, err := handoverOf(first)
	if err != nil || handover == nil {
		return []localrun.Result{first}, err
	}
	if err := l.state.keepGates(held{l.src.commit, handover.Gates}); err != nil {
		return nil, err
	}
	folder := manifest.Folder(l.state.objects())
	object, found, err := find(folder, "WorkflowTemplate")
	if err != nil || !found {
		return nil, fmt.Errorf("looking for the pipeline that run %q handed over to, in %q: %w", name, folder, err)
	}
	if template, err = parsed(folder, object); err != nil {
		return nil, err
	}
	l.console.handedOver(name, handover.Run)
	second, err := l.once(ctx, handover.Run, argo.ResumeEntry, argo.ResumedValues(name, *handover), template)
	return []localrun.Result{first, second}, err
}

// handoverOf gives what a run hands over; nil is nothing.
func handoverOf(run localrun.Result) (*stage.Handover, error) {
	for _, step := range run.Steps {
		if handover, err := stage.ParseHandover(step.Outputs[stage.HandoverOutput]); handover != nil || err != nil {
			return handover, err
		}
	}
	return nil, nil
}

// once makes one run from an entrypoint of the template; empty is the template's own.
func (l *laptop) once(ctx context.Context, name, entrypoint string, more map[string]string, template *localrun.Template) (localrun.Result, error) {
	l.console.width = longestStep(template)
	parameters := map[string]string{
		plan.CommitSHA: l.src.commit, plan.Branch: l.src.branch, plan.RepoURL: workspace.FolderURL(l.src.dir),
		plan.RepoName: filepath.Base(l.src.dir), plan.Pusher: l.src.author,
	}
	maps.Copy(parameters, more)
	return localrun.Run(ctx, template, localrun.Options{
		Name:       name,
		Entrypoint: entrypoint,
		Parameters: parameters,
		Dir:        filepath.Join(l.state.run(name), "steps"),
		Env:        l.environment(),
		Step:       argo.StepOf,
		Program:    beside,
		Approve:    l.approve,
		Log:        l.console.opener(filepath.Join(l.state.run(name), "logs")),
		Observe:    l.console.observe,
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

// beside finds a stage's program in the folder of this one.
func beside(command string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	path := filepath.Join(filepath.Dir(self), filepath.Base(command))
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("the program %q is not beside this one: %w", command, err)
	}
	return path, nil
}
