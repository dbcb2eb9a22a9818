package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
)

const good = `version: "1.0"
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api}]}
`

type world struct {
	log       bytes.Buffer
	applied   []manifest.Object
	deployed  []string
	artifacts *artifacts
	refuse    error

	undeployed []string // that the check finds
	removed    []stage.RemovedStack
	unfit      error // of the check
}

// artifacts is a bucket whose artifacts have a configuration.
type artifacts struct {
	*buckettest.Memory
	configuration string
	fetched       bool
	delay         time.Duration
}

func (a *artifacts) Fetch(context.Context, string, string, string, command.Selection) error {
	a.fetched = true
	return nil
}

func (a *artifacts) FetchFile(context.Context, string, string, string) ([]byte, error) {
	time.Sleep(a.delay)
	return []byte(a.configuration), nil
}

func (w *world) deps(configuration string) pipeline.Deps {
	w.artifacts = &artifacts{Memory: buckettest.New(nil), configuration: configuration}
	return pipeline.Deps{
		Stages: stages.Contracts(),
		Bucket: w.artifacts,
		Check: func(context.Context, stage.Frame, *config.Config, deploy.Copy) (pipeline.Checked, error) {
			return pipeline.Checked{Undeployed: w.undeployed, Removed: w.removed}, w.unfit
		},
		DeployStack: func(_ context.Context, _ stage.Frame, _ string, stack config.Stack, region, _ string) error {
			w.deployed = append(w.deployed, stack.Name+" in "+region)
			return w.refuse
		},
		Apply: func(_ context.Context, objects []manifest.Object) ([]manifest.Change, error) {
			if w.refuse != nil {
				return nil, w.refuse
			}
			w.applied = objects
			return []manifest.Change{{Object: "workflowtemplate/a", Action: manifest.Changed}}, nil
		},
	}
}

func run(t *testing.T, w *world, configuration, onFailure string) (pipeline.Output, error) {
	t.Helper()
	frame := stage.Frame{Log: slog.New(slog.NewTextHandler(&w.log, nil)), Out: &w.log}
	in := pipeline.Input{
		Commit: "0123", Config: config.File, Bucket: "artifacts", Region: "eu-west-1", Artifact: "a", Digest: "d", OnFailure: onFailure,
	}
	return pipeline.Run(t.Context(), w.deps(configuration), frame, in)
}

func TestTheObjectsOfTheCommitAreApplied(t *testing.T) {
	var w world
	out, err := run(t, &w, good, "stop")
	require.NoError(t, err)
	assert.Equal(t, pipeline.Updated, out.Result)
	assert.NotEmpty(t, w.applied)
	assert.False(t, w.artifacts.fetched, "the configuration alone is read")
}

func TestTheRepositorysOwnStackIsDeployedBeforeTheObjects(t *testing.T) {
	var w world
	_, err := run(t, &w, good+"pipelineStack: {name: PipelineStack, path: bin}\n", "stop")
	require.NoError(t, err)
	assert.Equal(t, []string{"PipelineStack in eu-west-1"}, w.deployed)
	assert.True(t, w.artifacts.fetched)
	assert.NotEmpty(t, w.applied)
}

func TestAFailedUpdateStopsTheRunOrContinuesWithTheLastGoodPipelineAndIsLogged(t *testing.T) {
	for name, update := range map[string]struct {
		configuration string
		refuse        error
	}{
		"refused by the cluster": {good, errors.New("the cluster refuses it")},
		"own stack fails":        {good + "pipelineStack: {name: P}\n", errors.New("rolled back")},
	} {
		w := world{refuse: update.refuse}
		_, err := run(t, &w, update.configuration, "stop")
		require.Error(t, err, name)
		assert.Empty(t, w.applied, name)

		w = world{refuse: update.refuse}
		out, err := run(t, &w, update.configuration, "continue")
		require.NoError(t, err, name)
		assert.Equal(t, pipeline.Kept, out.Result, name)
		assert.Contains(t, w.log.String(), "the last good version stays in place", name)
	}
}

func TestACommitWithAnUnreadableDeclarationIsNeverDeployed(t *testing.T) {
	var w world
	_, err := run(t, &w, "version: \"2.0\"\n", "continue")
	require.Error(t, err, "the approvals it requires are unknown")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Empty(t, w.applied)
}

func TestATemporaryErrorIsAlwaysRetried(t *testing.T) {
	w := world{refuse: errs.Temporaryf("the API server does not answer")}
	_, err := run(t, &w, good, "continue")
	assert.Equal(t, errs.Temporary, errs.KindOf(err))
}

func TestAPlainFolderNeedsNoArtifact(t *testing.T) {
	var w world
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, config.File), []byte(good), 0o600))
	frame := stage.Frame{Log: slog.New(slog.DiscardHandler)}
	in := pipeline.Input{Commit: "0", Config: config.File, Bucket: "b", Region: "eu-west-1", Source: dir}
	require.NoError(t, in.Validate())
	_, err := pipeline.Run(t.Context(), w.deps(""), frame, in)
	require.NoError(t, err)
	assert.NotEmpty(t, w.applied)
}

func TestInputsThatNameNoWorkspaceOrTwoAreRefused(t *testing.T) {
	for _, in := range []pipeline.Input{{}, {Source: "a", Artifact: "b", Digest: "c"}, {Artifact: "b"}, {Source: "/a", Objects: "/a/"}} {
		assert.Equal(t, errs.Invalid, errs.KindOf(in.Validate()))
	}
}

func TestACommitThatCannotBeDeployedToEveryEnvironmentChangesNothing(t *testing.T) {
	w := world{unfit: errs.Invalidf("environment prod: the CDK app has no stack \"Sied\"").WithHint("did you mean Side?")}
	_, err := run(t, &w, good+"pipelineStack: {name: PipelineStack}\n", "continue")
	require.ErrorContains(t, err, `nothing was deployed: environment prod: the CDK app has no stack "Sied"`)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Equal(t, "did you mean Side?", errs.HintOf(err))
	assert.Empty(t, w.applied)
	assert.Empty(t, w.deployed)
}

func TestStacksThatNoEnvironmentDeploysAreReported(t *testing.T) {
	w := world{undeployed: []string{"Cache", "Prod/Queue"}}
	out, err := run(t, &w, good, "stop")
	require.NoError(t, err)
	assert.Equal(t, []string{"Cache", "Prod/Queue"}, out.Undeployed)
	assert.Contains(t, w.log.String(), "Cache, Prod/Queue")
}

func TestStacksThatAreGoneAreAnOutputOfTheStep(t *testing.T) {
	till := stage.RemovedStack{Environment: "old", Stack: "Till", Name: "Till", Account: "111111111111", Region: "eu-west-1", Status: "CREATE_COMPLETE"}
	w := world{removed: []stage.RemovedStack{till}}
	out, err := run(t, &w, good, "stop")
	require.NoError(t, err)
	assert.Equal(t, []stage.RemovedStack{till}, out.Removed)

	w = world{}
	out, err = run(t, &w, good, "stop")
	require.NoError(t, err)
	assert.Equal(t, []stage.RemovedStack{}, out.Removed, "a list that others can read")
}

// unnamed leaves its names out.
const unnamed = "githubOwner: o\ngithubRepo: shop\nreconcileSchedule: \"\"\n" + good

func TestAnUpdateKeepsTheNamesOfAPipelineThatDoesNotConfigureThem(t *testing.T) {
	for name, c := range map[string]struct {
		given []string // what the template of the pipeline that runs hands over
		want  []string
	}{
		"a template of the former version": {
			[]string{"--prefix", "aphex-pipeline-"},
			[]string{"aphex-pipeline-template-", "github", "aphex-pipeline-sensor", "workflow-executor", "name: aphex-pipeline-\n"},
		},
		"its own names": {
			[]string{"--prefix", "s-", "--template-name", "store", "--event-source", "hub", "--sensor", "bell", "--service-account", "hand"},
			[]string{"store-", "hub", "bell", "hand", "name: s-\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var in pipeline.Input
			parser, err := kong.New(&in)
			require.NoError(t, err)
			_, err = parser.Parse(append([]string{"--commit", older, "--bucket", "artifacts", "--region", "eu-west-1", "--artifact", "a", "--digest", "d"}, c.given...))
			require.NoError(t, err)
			in.Template = ""
			var w world
			_, _, err = inRun(t, &w, w.deps(unnamed), in)
			require.NoError(t, err)
			found := map[string]string{}
			for _, object := range w.applied {
				if found[object.Kind] == "" {
					found[object.Kind] = object.Name
				}
				if object.Kind == "Sensor" {
					assert.Contains(t, string(object.YAML), c.want[4])
				}
			}
			assert.Contains(t, found["WorkflowTemplate"], c.want[0])
			assert.Equal(t, c.want[1:4], []string{found["EventSource"], found["Sensor"], found["ServiceAccount"]})
		})
	}
}

// access is what accounts answer, one call after the other; the last answer stays.
type access struct {
	answers []error
	asked   [][]string
}

func (a *access) ask(_ context.Context, environments []string) error {
	a.asked = append(a.asked, environments)
	answer := a.answers[0]
	a.answers = a.answers[min(1, len(a.answers)-1):]
	return answer
}

func TestAccessThatTheUpdateGrantsIsAwaitedAndAnyOtherStopsTheRun(t *testing.T) {
	refused := errs.Invalidf("environment prod: it may not assume the role").WithHint("bootstrap it")
	for name, c := range map[string]struct {
		answers []error
		refuse  error // of the update
		says    string
		kind    errs.Kind
		asked   int
	}{
		"granted by the update":          {[]error{nil}, nil, "", 0, 1},
		"granted a little later":         {[]error{refused, refused, refused, nil}, nil, "", 0, 4},
		"never granted":                  {[]error{refused}, nil, "the pipeline was updated, but nothing was deployed: environment prod: it may not", errs.Invalid, 6},
		"no update":                      {[]error{refused}, errors.New("the cluster refuses it"), "nothing was deployed: environment prod: it may not", errs.Invalid, 1},
		"no update, other environments":  {[]error{nil}, errors.New("the cluster refuses it"), "", 0, 1},
		"an answer that does not come":   {[]error{errs.Temporaryf("no answer")}, nil, "no answer", errs.Temporary, 1},
		"at first refused, then failing": {[]error{refused, errs.Temporaryf("no answer")}, nil, "no answer", errs.Temporary, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, a := world{refuse: c.refuse}, access{answers: c.answers}
			d := w.deps(good)
			d.Check = func(context.Context, stage.Frame, *config.Config, deploy.Copy) (pipeline.Checked, error) {
				return pipeline.Checked{Access: a.ask}, nil
			}
			begin := time.Now()
			_, err := pipeline.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.DiscardHandler), Out: io.Discard}, pipeline.Input{
				Commit: "0123", Config: config.File, Bucket: "artifacts", Region: "eu-west-1", Artifact: "a", Digest: "d", OnFailure: "continue",
				Environments: []string{"dev"},
			})
			assert.Len(t, a.asked, c.asked, name)
			assert.Less(t, time.Since(begin), time.Minute, name)
			if c.refuse != nil {
				assert.Equal(t, []string{"dev"}, a.asked[0], name)
			}
			if c.says == "" {
				require.NoError(t, err, name)
				return
			}
			require.ErrorContains(t, err, c.says, name)
			assert.Equal(t, c.kind, errs.KindOf(err), name)
		})
	}
}

// A commit brings an image of its own into the stages that hold rights.
func TestACommitCannotChangeTheImagesOfThePipelinesOwnStages(t *testing.T) {
	evil := good + "validatorImage: evil.example.test/aphex/validator:1.4.0\n"
	template := func(w *world) string {
		for _, object := range w.applied {
			if object.Kind == "WorkflowTemplate" {
				return string(object.YAML)
			}
		}
		return ""
	}
	in := ofRun("")
	var loose, w, same world
	_, _, err := inRun(t, &loose, loose.deps(evil), in)
	require.NoError(t, err)
	assert.Contains(t, template(&loose), "evil.example.test", "without installed images the attack succeeds")

	in.Images = "example.test/aphex:1.4.0 validator@sha256:" + strings.Repeat("0", 64)
	out, _, err := inRun(t, &w, w.deps(evil), in)
	require.NoError(t, err)
	assert.Equal(t, pipeline.Kept, out.Result)
	assert.Empty(t, w.applied)
	assert.Contains(t, w.log.String(), "which no commit can change")
	assert.Contains(t, w.log.String(), "generator apply --images")

	_, _, err = inRun(t, &same, same.deps(good), in)
	require.NoError(t, err)
	assert.Contains(t, template(&same), "image: example.test/aphex/validator:1.4.0@sha256:0000")
	assert.Contains(t, template(&same), "value: "+in.Images, "the next version has the same")
}

// The token is sent to the host of the repository.
func TestACommitCannotChangeTheHostOfTheRepository(t *testing.T) {
	for name, c := range map[string]struct{ host, commit, refused string }{
		"another host":             {"github.com", "githubHost: evil.example\n", `sets githubHost to "evil.example", but the pipeline is installed for "github.com"`},
		"another one than GHES":    {"github.example.com", "githubHost: evil.example\n", `sets githubHost to "evil.example"`},
		"none":                     {"github.com", "", ""},
		"that of the installation": {"github.example.com", "githubHost: github.example.com\n", ""},
		"none, with GHES":          {"github.example.com", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var w world
			in := ofRun("")
			in.Host, in.Repository, in.GithubOwner, in.GithubRepo = c.host, "https://"+c.host+"/o/r.git", "o", "r"
			_, _, err := inRun(t, &w, w.deps(good+c.commit), in)
			if c.refused != "" {
				require.ErrorContains(t, err, c.refused)
				assert.Equal(t, errs.Invalid, errs.KindOf(err))
				assert.Contains(t, errs.HintOf(err), "generator apply")
				assert.Empty(t, w.applied)
				return
			}
			require.NoError(t, err)
			for _, object := range w.applied {
				if object.Kind == "WorkflowTemplate" {
					assert.Contains(t, string(object.YAML), "name: APHEX_HOST\n        value: "+c.host)
				}
			}
		})
	}
}

// handed notes what is sent to commands.
type handed struct {
	command.Files
	folders []string
}

func (h *handed) Send(_ context.Context, path string) error {
	h.folders = append(h.folders, "send "+path)
	return nil
}

func (h *handed) SendFolder(ctx context.Context, path string, content func(context.Context, io.Writer) error) error {
	h.folders = append(h.folders, "artifact to "+path)
	return content(ctx, io.Discard)
}

// The files of a copy need not be unpacked before they are sent.
func TestEachCopyOfTheWorkspaceIsSentFromTheArtifactAndAFolderOfAPersonOnce(t *testing.T) {
	for _, source := range []string{"", t.TempDir()} {
		var w world
		d := w.deps(good)
		var to handed
		var copies []string
		d.Check = func(ctx context.Context, _ stage.Frame, _ *config.Config, workspace deploy.Copy) (pipeline.Checked, error) {
			for range 2 {
				dir, err := workspace(ctx, &to)
				require.NoError(t, err)
				copies = append(copies, dir)
			}
			return pipeline.Checked{}, nil
		}
		in := pipeline.Input{Commit: "0123", Config: config.File, Bucket: "artifacts", Region: "eu-west-1", Artifact: "a", Digest: "d", OnFailure: "continue"}
		if source != "" {
			in.Source, in.Artifact, in.Digest = source, "", ""
			require.NoError(t, os.WriteFile(filepath.Join(source, config.File), []byte(good), 0o600))
		} else {
			w.artifacts.Workspace = t.TempDir()
		}
		_, err := pipeline.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.DiscardHandler), Out: io.Discard}, in)
		require.NoError(t, err)
		if source == "" {
			assert.NotEqual(t, copies[0], copies[1])
			assert.Equal(t, []string{"artifact to " + copies[0], "artifact to " + copies[1]}, to.folders)
			assert.NoDirExists(t, copies[0])
			continue
		}
		assert.Equal(t, []string{"send " + source}, to.folders)
		assert.Equal(t, []string{source, source}, copies)
	}
}
