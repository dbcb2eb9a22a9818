package pipeline_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/inventory"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
)

// gated declares dev, and prod with an approval.
const gated = `version: "1.0"
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api}]}
  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Api}], requiresApproval: true}
`

// ofRun is the input of the step in a run of some version that deploys dev.
func ofRun(template string) pipeline.Input {
	return pipeline.Input{
		Commit: older, Branch: "main", Repository: "https://github.com/o/r.git", RepoName: "o/r", Pusher: "octocat", Config: config.File,
		Bucket: "artifacts", Region: "eu-west-1", Artifact: "a.tar.zst", Digest: "sha256:1", OnFailure: "continue",
		Template: template, Environments: []string{"dev"},
	}
}

// inRun runs the step in the run shop-1. It gives the runs that were started.
func inRun(t *testing.T, w *world, d pipeline.Deps, in pipeline.Input) (pipeline.Output, []wfv1.Workflow, error) {
	t.Helper()
	var started []wfv1.Workflow
	if d.Start == nil {
		d.Start = func(_ context.Context, object manifest.Object) (bool, error) {
			var workflow wfv1.Workflow
			require.NoError(t, yaml.UnmarshalStrict(object.YAML, &workflow))
			started = append(started, workflow)
			return true, nil
		}
	}
	frame := stage.Frame{Log: slog.New(slog.NewTextHandler(&w.log, nil)), Out: &w.log, Workflow: "shop-1"}
	out, err := pipeline.Run(t.Context(), d, frame, in)
	return out, started, err
}

// The template of an earlier version passes no digest; that of the successor must have one.
func TestARunThatIsHandedOverKnowsTheConfigurationOfItsCommit(t *testing.T) {
	for _, given := range []string{"", config.Digest([]byte(gated))} {
		var w world
		in := ofRun("shop-of-an-earlier-version")
		in.ConfigDigest = given
		out, started, err := inRun(t, &w, w.deps(gated), in)
		require.NoError(t, err)
		require.Len(t, started, 1)
		assert.Equal(t, config.Digest([]byte(gated)), out.Handover.ConfigDigest)
	}
}

// declaredVersion is the version of the template that a configuration gives.
func declaredVersion(t *testing.T, configuration string) string {
	t.Helper()
	var w world
	_, _, err := inRun(t, &w, w.deps(configuration), ofRun(""))
	require.NoError(t, err)
	for _, object := range w.applied {
		if object.Kind == "WorkflowTemplate" {
			return object.Name
		}
	}
	return ""
}

func TestARunOfAnotherVersionThanItsCommitDeclaresHandsOver(t *testing.T) {
	var w world
	in := ofRun("shop-00")
	in.ConfigDigest = config.Digest([]byte(gated))
	out, started, err := inRun(t, &w, w.deps(gated), in)
	require.NoError(t, err)
	version := declaredVersion(t, gated)
	assert.Equal(t, pipeline.HandedOver, out.Result)
	assert.Equal(t, &stage.Handover{Run: "shop-1-h", Template: version, Artifact: "a.tar.zst", Digest: "sha256:1", ConfigDigest: config.Digest([]byte(gated)), Gates: "prod"}, out.Handover)
	assert.Empty(t, out.Unreached, "the successor reaches them")
	require.Len(t, started, 1)
	assert.Equal(t, "shop-1-h", started[0].Name)
	assert.Equal(t, "argo", started[0].Namespace)
	assert.Equal(t, version, started[0].Spec.WorkflowTemplateRef.Name)
	assert.Equal(t, "resume", started[0].Spec.Entrypoint)
	values := map[string]string{}
	for _, parameter := range started[0].Spec.Arguments.Parameters {
		values[parameter.Name] = parameter.Value.String()
	}
	assert.Equal(t, map[string]string{
		"commit-sha": older, "branch": "main", "repo-url": "https://github.com/o/r.git", "repo-name": "o/r", "pusher": "octocat",
		"artifact": "a.tar.zst", "digest": "sha256:1", "config-digest": config.Digest([]byte(gated)), "gates": "prod", "origin": "shop-1",
	}, values)
	started[0].Spec.WorkflowTemplateRef, started[0].Spec.Arguments, started[0].Spec.Entrypoint = nil, wfv1.Arguments{}, ""
	assert.Equal(t, wfv1.WorkflowSpec{}, started[0].Spec, "Strict template referencing allows nothing else")
	assert.Contains(t, started[0].Annotations["workflows.argoproj.io/title"], older)
}

func TestARunOfTheVersionThatItsCommitDeclaresContinues(t *testing.T) {
	var w world
	in := ofRun(declaredVersion(t, gated))
	in.Environments = []string{"dev", "prod"}
	out, started, err := inRun(t, &w, w.deps(gated), in)
	require.NoError(t, err)
	assert.Empty(t, started)
	assert.Nil(t, out.Handover)
	assert.Equal(t, pipeline.Updated, out.Result, "another run or a user may have applied the version")
	assert.Equal(t, ",dev,", out.NoApproval)
}

func TestARunThatWasHandedOverNeverHandsOverAgainAndLogsIt(t *testing.T) {
	var w world
	in := ofRun("shop-00")
	in.Origin, in.Held = "shop-0", []string{"dev"}
	out, started, err := inRun(t, &w, w.deps(gated), in)
	require.NoError(t, err)
	assert.Empty(t, started)
	assert.Nil(t, out.Handover)
	assert.Equal(t, ",", out.NoApproval, "what the run that handed over found still holds")
	assert.Equal(t, []string{"prod"}, out.Unreached)
	assert.Contains(t, w.log.String(), "does not hand over")
	assert.Contains(t, w.log.String(), "environments=prod")
}

func TestAStepThatIsTriedAgainStartsNoSecondRun(t *testing.T) {
	var w world
	d := w.deps(gated)
	var names []string
	d.Start = func(_ context.Context, object manifest.Object) (bool, error) {
		names = append(names, object.Name)
		return len(names) == 1, nil
	}
	for range 2 {
		out, _, err := inRun(t, &w, d, ofRun("shop-00"))
		require.NoError(t, err)
		assert.Equal(t, pipeline.HandedOver, out.Result)
	}
	assert.Equal(t, []string{"shop-1-h", "shop-1-h"}, names)
}

func TestIfTheSuccessorCannotBeStartedTheRunContinuesBehindAllGates(t *testing.T) {
	for onFailure, stops := range map[string]bool{"continue": false, "stop": true} {
		var w world
		d := w.deps(strings.Replace(gated, "name: dev,", "name: dev, requiresApproval: true,", 1))
		d.Start = func(context.Context, manifest.Object) (bool, error) { return false, errors.New("forbidden") }
		in := ofRun("shop-00")
		in.OnFailure = onFailure
		out, _, err := inRun(t, &w, d, in)
		if stops {
			require.ErrorContains(t, err, `starting run "shop-1-h": forbidden`)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, pipeline.Updated, out.Result)
		assert.Equal(t, ",", out.NoApproval, "the approval that the commit adds is waited for")
		assert.Equal(t, []string{"prod"}, out.Unreached)
		assert.Contains(t, w.log.String(), "forbidden")
	}
	var w world
	d := w.deps(gated)
	d.Start = func(context.Context, manifest.Object) (bool, error) { return false, errs.Temporaryf("no answer") }
	_, _, err := inRun(t, &w, d, ofRun("shop-00"))
	assert.Equal(t, errs.Temporary, errs.KindOf(err), "the step is tried again")
}

func TestGatesOfTemplateAndCommitAreBothEnforced(t *testing.T) {
	for name, c := range map[string]struct {
		running, held []string
		asks, kept    bool
		waits         bool
	}{
		"none":                                   {},
		"the commit adds it":                     {asks: true, waits: true},
		"the commit removes it":                  {running: []string{"dev"}, waits: true},
		"the run that handed over found it":      {held: []string{"dev"}, waits: true},
		"the commit adds it, and no update came": {asks: true, kept: true, waits: true},
		"an empty name":                          {held: []string{""}},
		"another environment's":                  {running: []string{"dev2", "de"}},
	} {
		t.Run(name, func(t *testing.T) {
			var w world
			configuration := good
			if c.asks {
				configuration = strings.Replace(good, "name: dev,", "name: dev, requiresApproval: true,", 1)
			}
			if c.kept {
				w.refuse = errors.New("the cluster refuses it")
			}
			in := ofRun("shop-00")
			in.Gates, in.Held, in.Origin = c.running, c.held, "shop-0"
			in.Places = []string{"dev=111111111111/eu-west-1", "dev2=222222222222/eu-west-1", "de=222222222222/eu-west-1"}
			out, _, err := inRun(t, &w, w.deps(configuration), in)
			require.NoError(t, err)
			assert.Equal(t, !c.waits, strings.Contains(out.NoApproval, ",dev,"), out.NoApproval)
			assert.Equal(t, c.kept, out.Result == pipeline.Kept)
		})
	}
}

// Prod was deployed by run 9, and required an approval. Commits arrive that do not ask for
// one; the template of the run, which is that of an earlier one of them, does not either.
func TestNoCommitTakesAnApprovalAwayAndOnlyAPersonDoes(t *testing.T) {
	const prod, dev = `{"commit":"c","run":"shop-9","account":"222222222222","region":"eu-west-1","approval":true}`, `{"commit":"c","run":"shop-9","account":"111111111111","region":"eu-west-1"}`
	environment := func(name, account, region, more string) string {
		return "  - {name: " + name + ", account: \"" + account + "\", region: " + region + ", stacks: [{name: Api}]" + more + "}\n"
	}
	same := environment("dev", "111111111111", "eu-west-1", "")
	for name, c := range map[string]struct {
		before       map[string]string
		environments string
		waits        string
	}{
		"the approval is gone":                            {map[string]string{"dev": dev, "prod": prod}, same + environment("prod", "222222222222", "eu-west-1", ""), "prod"},
		"it is gone, and the environment elsewhere":       {map[string]string{"dev": dev, "prod": prod}, same + environment("prod", "333333333333", "eu-west-1", ""), "prod"},
		"another name":                                    {map[string]string{"dev": dev, "prod": prod}, same + environment("production", "222222222222", "eu-west-1", ""), "production"},
		"another one besides":                             {map[string]string{"dev": dev, "prod": prod}, same + environment("prod", "222222222222", "eu-west-1", ", requiresApproval: true") + environment("prod2", "222222222222", "eu-west-1", ""), "prod prod2"},
		"an environment that moves there":                 {map[string]string{"dev": dev, "prod": prod}, environment("dev", "222222222222", "eu-west-1", ""), "dev"},
		"an environment of that account in other regions": {map[string]string{"staging": strings.Replace(dev, "111111111111", "222222222222", 1), "prod": prod}, environment("staging", "222222222222", "us-east-1", ""), "staging"},
		"one that was there before":                       {map[string]string{"staging": strings.Replace(dev, "111111111111", "222222222222", 1), "prod": prod}, environment("staging", "222222222222", "eu-west-1", ""), ""},
		"a person approved a deployment without it":       {map[string]string{"dev": dev, "prod": strings.Replace(prod, `,"approval":true`, "", 1)}, same + environment("prod", "222222222222", "eu-west-1", ""), ""},
		"a new one where none requires approvals":         {map[string]string{"dev": dev, "prod": prod}, same + environment("dev2", "111111111111", "eu-west-1", ""), ""},
		"the first run":                                   {nil, same + environment("staging", "222222222222", "eu-west-1", "") + environment("prod", "222222222222", "eu-west-1", ", requiresApproval: true"), "prod"},
		"documents of an earlier version":                 {map[string]string{"dev": `{"commit":"c","run":"shop-9"}`, "prod": prod}, environment("dev", "222222222222", "eu-west-1", ""), ""},
	} {
		t.Run(name, func(t *testing.T) {
			configuration := "version: \"1.0\"\nenvironments:\n" + c.environments
			var w world
			d := w.deps(configuration)
			for environment, text := range c.before {
				w.artifacts.Set("metadata/deployed/"+environment+".json", text)
			}
			cfg, err := config.Parse(config.File, []byte(configuration))
			require.NoError(t, err)
			in := ofRun(declaredVersion(t, configuration))
			in.Environments = nil
			for _, env := range cfg.Environments {
				in.Environments = append(in.Environments, env.Name)
			}
			out, _, err := inRun(t, &w, d, in)
			require.NoError(t, err)
			var waits []string
			for _, name := range in.Environments {
				if !strings.Contains(out.NoApproval, ","+name+",") {
					waits = append(waits, name)
				}
			}
			assert.Equal(t, c.waits, strings.Join(waits, " "))
			undeclared := strings.Contains(w.log.String(), "wait for an approval that the commit does not declare")
			assert.Equal(t, c.waits != "" && name != "the first run", undeclared, "the log says why")

			in.Template = "shop-of-an-earlier-version" // the run that hands over
			out, started, err := inRun(t, &w, d, in)
			require.NoError(t, err)
			require.Len(t, started, 1)
			assert.Equal(t, c.waits, out.Handover.Gates)
		})
	}
}

// push is a commit, and what a run of it finds.
type push struct {
	environments string   // of the commit
	waits        string   // environments that wait for an approval
	deploys      []string // environments whose deployment then begins
}

// Each commit is pushed twice: the second push is of a commit that declares the same.
func TestAnApprovalThatNoDeploymentHadYetHoldsForAllLaterCommits(t *testing.T) {
	environment := func(name, account, more string) string {
		return "  - {name: " + name + ", account: \"" + account + "\", region: eu-west-1, stacks: [{name: Api}]" + more + "}\n"
	}
	const requires, former = ", requiresApproval: true", `{"commit":"c","run":"shop-9"}`
	dev, prod, open := environment("dev", "111111111111", ""), environment("prod", "222222222222", requires), environment("prod", "222222222222", "")
	live, moved := environment("live", "222222222222", ""), environment("prod", "333333333333", requires)
	for name, c := range map[string]struct {
		before    map[string]string
		installed string // by a person
		pushes    []push
	}{
		"of the installed pipeline":          {nil, dev + prod, []push{{dev + open, "prod", nil}}},
		"of one that a commit adds":          {nil, dev, []push{{dev + prod, "prod", nil}, {dev + open, "prod", nil}}},
		"added to one that was there":        {nil, dev + open, []push{{dev + open, "", []string{"dev", "prod"}}, {dev + prod, "prod", nil}, {dev + open, "prod", nil}}},
		"first deployment after an upgrade":  {map[string]string{"dev": former, "prod": former}, dev + prod, []push{{dev + open, "prod", nil}}},
		"the environment goes and returns":   {nil, dev, []push{{dev + prod, "prod", nil}, {dev, "", nil}, {dev + open, "prod", nil}}},
		"under another name":                 {nil, dev, []push{{dev + prod, "prod", nil}, {dev + live, "live", nil}}},
		"under another name, when installed": {nil, dev + prod, []push{{dev + live, "live", nil}}},
		"the environment moves, and another name comes": {nil, dev + prod, []push{
			{dev + prod, "prod", []string{"dev", "prod"}}, {dev + moved, "prod", []string{"prod"}}, {dev + moved + live, "live prod", nil},
		}},
		"it moves by the first commit, and another name comes":   {nil, dev + prod, []push{{dev + moved + live, "live prod", nil}}},
		"another one moves there by the first commit":            {nil, dev + prod, []push{{environment("dev", "222222222222", "") + prod, "dev prod", nil}}},
		"another one moves there, and documents have no account": {map[string]string{"dev": former, "prod": former}, dev + prod, []push{{environment("dev", "222222222222", "") + prod, "dev prod", nil}}},
		"another one besides":                                    {nil, dev + prod, []push{{dev + prod + live, "live prod", nil}}},
		"a person approves what was added":                       {nil, dev, []push{{dev + prod, "prod", []string{"prod"}}, {dev + open, "prod", nil}}},
		"a person approves it without":                           {nil, dev, []push{{dev + prod, "prod", nil}, {dev + open, "prod", []string{"prod"}}, {dev + open, "", nil}}},
		"two that are installed at once":                         {nil, prod + live, []push{{prod + live, "prod", nil}}},
		"in another account":                                     {nil, dev + prod, []push{{dev + prod + environment("beta", "333333333333", ""), "prod", nil}}},
	} {
		t.Run(name, func(t *testing.T) {
			var w world
			d := w.deps("")
			for environment, text := range c.before {
				w.artifacts.Set("metadata/deployed/"+environment+".json", text)
			}
			template := "version: \"1.0\"\nenvironments:\n" + c.installed
			run := 0
			for _, push := range c.pushes {
				commit := "version: \"1.0\"\nenvironments:\n" + push.environments
				for range 2 {
					run++
					w.artifacts.configuration = commit
					in := inTemplate(t, template)
					out, started, err := inRun(t, &w, d, in)
					require.NoError(t, err)
					if len(started) > 0 {
						gates := out.Handover.Gates
						in = inTemplate(t, commit)
						in.Held, in.Origin = strings.Fields(gates), "shop-1"
						out, _, err = inRun(t, &w, d, in)
						require.NoError(t, err)
					}
					var waits []string
					for _, name := range in.Environments {
						if !strings.Contains(out.NoApproval, ","+name+",") {
							waits = append(waits, name)
						}
					}
					slices.Sort(waits)
					if push.deploys == nil || run == 1 {
						assert.Equal(t, push.waits, strings.Join(waits, " "), "run %d", run)
					}
					template = commit
					cfg, err := config.Parse(config.File, []byte(commit))
					require.NoError(t, err)
					for _, name := range push.deploys {
						env, found := cfg.Environment(name)
						require.True(t, found)
						store := inventory.Store{Bucket: w.artifacts, Engine: deploy.Engine{Run: "shop-1"}}
						require.NoError(t, store.KeepReached(t.Context(), cfg, env, older, ""))
					}
				}
			}
		})
	}
}

// inTemplate is the input of the step in a run of the template that a configuration gives.
func inTemplate(t *testing.T, configuration string) pipeline.Input {
	t.Helper()
	cfg, err := config.Parse(config.File, []byte(configuration))
	require.NoError(t, err)
	in := ofRun(declaredVersion(t, configuration))
	in.Environments = nil
	for _, env := range cfg.Environments {
		in.Environments = append(in.Environments, env.Name)
		in.Places = append(in.Places, env.Name+"="+env.Account+"/"+env.Region)
		if env.RequiresApproval {
			in.Gates = append(in.Gates, env.Name)
		}
	}
	return in
}

// What is not known keeps nobody from asking.
func TestWithoutTheStateOfTheEnvironmentsNothingIsDeployed(t *testing.T) {
	var w world
	d := w.deps(gated)
	w.artifacts.Set("metadata/deployed/prod.json", "{")
	_, started, err := inRun(t, &w, d, ofRun("shop-00"))
	require.ErrorContains(t, err, "reading which commit environment prod has")
	assert.Empty(t, started)
	assert.Empty(t, w.applied)
}

func TestALocalRunDoesNotHandOver(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, config.File), []byte(gated), 0o600))
	for name, change := range map[string]func(*pipeline.Input){
		"no version":  func(in *pipeline.Input) { in.Template = "" }, // also of a pipeline of a former version
		"no artifact": func(in *pipeline.Input) { in.Artifact, in.Digest, in.Source = "", "", folder },
	} {
		var w world
		in := ofRun("shop-00")
		change(&in)
		out, started, err := inRun(t, &w, w.deps(gated), in)
		require.NoError(t, err)
		assert.Empty(t, started, name)
		assert.Equal(t, pipeline.Updated, out.Result, name)
	}
}

// A build took the approval of prod out of the configuration of its workspace.
func TestAConfigurationThatIsNotTheFileOfTheCommitIsNotUsed(t *testing.T) {
	changed := strings.Replace(gated, "requiresApproval: true", "requiresApproval: false", 1)
	require.NotEqual(t, gated, changed)
	in := ofRun("")
	in.Environments = []string{"dev", "prod"}
	var loose, w world
	out, _, err := inRun(t, &loose, loose.deps(changed), in)
	require.NoError(t, err)
	assert.Equal(t, ",dev,prod,", out.NoApproval, "without a digest the attack succeeds")

	in.ConfigDigest = config.Digest([]byte(gated))
	_, started, err := inRun(t, &w, w.deps(changed), in)
	require.ErrorContains(t, err, "aphex-config.yaml is not the file of the commit: its digest is "+config.Digest([]byte(changed)))
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Empty(t, started)
	assert.Empty(t, w.applied)
}

// The check of all environments takes minutes. Until its end, an older run is the newest one
// of the order, and may take an approval away that its commit does not have.
func TestAnApprovalThatACommitAddsStaysIfAnOlderRunDeploysMeanwhile(t *testing.T) {
	var w world
	d := w.deps(gated)
	w.artifacts.Set("metadata/order.json", `{"runs":[{"run":"shop-0","commit":"`+newer+`"}]}`)
	d.Check = func(ctx context.Context, _ stage.Frame, _ *config.Config, _ deploy.Copy) (pipeline.Checked, error) {
		cfg, err := config.Parse(config.File, []byte(strings.ReplaceAll(gated, ", requiresApproval: true", "")))
		require.NoError(t, err)
		prod, _ := cfg.Environment("prod")
		store := inventory.Store{Bucket: w.artifacts, Engine: deploy.Engine{Run: "shop-0"}}
		require.NoError(t, store.KeepReached(ctx, cfg, prod, newer, ""))
		return pipeline.Checked{}, nil
	}
	_, _, err := inRun(t, &w, d, inTemplate(t, gated))
	require.NoError(t, err)
	assert.Contains(t, w.artifacts.Document("metadata/deployed/prod.json"), `"approval":true`)
}
