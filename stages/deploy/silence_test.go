package deploy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	engine "github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/deploy"
)

// quiet stands for the ten seconds that nothing may be silent for, so that the
// phases of a real deployment need not be that slow. That the ten seconds
// themselves are kept is tested in package progress, in virtual time.
const quiet = 100 * time.Millisecond

// slowness is what every phase of the deployments below takes at least.
const slowness = 6 * quiet

// slowWorld is a world in which every phase is slow.
func slowWorld(t *testing.T) (*world, deploy.Deps) {
	w := newWorld(t, func(o *cloudformation.Options) {
		o.ResourceTime = func(_, logicalID string) time.Duration {
			if strings.HasPrefix(logicalID, "Later") {
				return 5 * slowness // longer than from one look to the next, so that one falls into it
			}
			return slowness
		}
		o.Tick = slowness // of a change set, too
	})
	w.configure(fmt.Sprintf(`
  - name: dev
    account: "111111111111"
    region: eu-west-1
    stacks: [{name: Data}, {name: Api}]
    concurrency: 2
    env: {CDK_DOCKER: %q}
    hooks:
      preDeploy: [sleep 0.6]
      postDeploy: [sleep 0.6]
`, filepath.Join(w.source, "docker")))
	w.Fail(awssim.Rule{Service: "s3", Operation: "PutObject", Kind: awssim.Delay, Delay: slowness})
	d := w.deps()
	d.Progress.Quiet = quiet
	enter := d.Engine.Assume
	d.Bucket = slowBucket{d.Bucket}
	d.Engine.Assume = func(ctx context.Context, log *slog.Logger, to awsauth.Target) (*awsauth.Access, error) {
		time.Sleep(slowness)
		return enter(ctx, log, to)
	}
	return w, d
}

// slowBucket is a bucket that stores slowly.
type slowBucket struct{ bucket.Bucket }

func (b slowBucket) Put(ctx context.Context, key string, data []byte) error {
	time.Sleep(slowness)
	return b.Bucket.Put(ctx, key, data)
}

// deploySlowly deploys dev; advice has it look at the rules that the app takes as advice.
func (w *world) deploySlowly(ctx context.Context, d deploy.Deps, advice bool) error {
	w.events = nil
	_, err := deploy.Run(ctx, d, stage.Frame{Log: slog.New(slog.DiscardHandler), Out: io.Discard, Redactor: redact.New(), Workflow: "run-1"},
		deploy.Input{Environment: "dev", Config: "aphex-config.yaml", Advice: advice, Limit: patience, Workspace: bucket.Workspace{Commit: commit, Source: w.source, Bucket: "artifacts"}})
	return err
}

// broke says whether a silence was broken with a text, of a subject.
func (w *world) broke(subject, text string) bool {
	expr := regexp.MustCompile("^" + text + ` \(\d+s\)$`)
	for _, e := range w.events {
		if e.Step == progress.Still && e.Subject == subject && expr.MatchString(e.Text) {
			return true
		}
	}
	return false
}

func TestNoPhaseOfADeploymentIsSilent(t *testing.T) {
	t.Parallel()
	w, d := slowWorld(t)
	w.validated()
	w.shape("image")
	require.NoError(t, os.WriteFile(filepath.Join(w.source, "docker"), []byte("#!/bin/sh\ncase $1 in inspect) exit 1;; build|push) sleep 0.6;; esac\ncat >/dev/null\n"), 0o755))
	require.NoError(t, os.Mkdir(filepath.Join(w.source, "image"), 0o755))
	w.write("image/Dockerfile", "FROM scratch\n")
	require.NoError(t, w.deploySlowly(t.Context(), d, true))
	for phase, broken := range map[string]bool{
		"assuming access":            w.broke("dev", "assuming access to account 111111111111"),
		"the hooks before":           w.broke("dev", "running the pre-deploy hooks"),
		"the synthesis":              w.broke("dev", "synthesizing the CDK app in .*"),
		"the upload of a file":       w.broke("Code", "uploading Code"),
		"the build of an image":      w.broke("Image", "building Image"),
		"the upload of an image":     w.broke("Image", "uploading Image"),
		"waiting for the assets":     w.broke("Data", `publishing assets \d/\d`),
		"the change set":             w.broke("Data", "creating the change set"),
		"the validation of the apps": w.broke("Data", "validating the templates"),
		"a resource":                 w.broke("Data", "creating AWS::SQS::Queue Orders"),
		"a resource of a nested one": w.broke("Api", "creating AWS::SQS::Queue .*Later"),
		"the hooks after":            w.broke("dev", "running the post-deploy hooks"),
		"the keeping of the outputs": w.broke("dev", "storing the stack outputs"),
	} {
		assert.True(t, broken, "%s was silent", phase)
	}
	w.showEvents()
}

// showEvents shows the events of a failed test.
func (w *world) showEvents() {
	if w.t.Failed() {
		for _, e := range w.events {
			w.t.Log(progress.Line(e))
		}
	}
}

func TestWaitingForAConcurrentOperationIsNotSilent(t *testing.T) {
	t.Parallel()
	w, d := slowWorld(t)
	w.Stacks().FailResource(cloudformation.Rule{Stack: "Data", Delay: 10 * time.Minute, OnlySlow: true})
	ctx, kill := context.WithCancel(t.Context())
	w.onEvent = func(e progress.Event) {
		if e.Step == "CREATE_IN_PROGRESS" && strings.HasSuffix(e.Resource, "Orders/Resource") {
			kill()
		}
	}
	require.Error(t, w.deploySlowly(ctx, d, false))
	waited := func() bool {
		return w.broke("Data", `an operation is in progress \(CREATE_IN_PROGRESS\); waiting for it`) || w.broke("Data", "creating AWS::SQS::Queue Orders")
	}
	w.onEvent = func(progress.Event) {
		if waited() {
			w.Clock().Advance(11 * time.Minute) // it was slow for long enough
			w.onEvent = nil
		}
	}
	require.NoError(t, w.deploySlowly(t.Context(), d, false))
	assert.True(t, waited())
	w.showEvents()
}

func TestDurationsOfStacksAreStoredAndReportedTheNextTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.deps()
	require.NoError(t, w.deploySlowly(t.Context(), d, false))
	for _, e := range w.events {
		assert.Zero(t, e.Last, "of the first deployment: %v", e)
	}
	kept := w.stored.Document("metadata/durations/dev.json")
	assert.Regexp(t, `^\{"Api":\d[\d.]*,"Data":\d[\d.]*,"Edge":\d[\d.]*\}$`, kept)

	w.stored.Set("metadata/durations/dev.json", `{"Api":72.3,"Data":5,"Gone":1}`)
	w.shape("changed")
	require.NoError(t, w.deploySlowly(t.Context(), d, false))
	last := map[string]float64{}
	for _, e := range w.events {
		if e.Step == progress.Finished {
			last[e.Subject] = e.Last
		}
	}
	assert.Equal(t, map[string]float64{"Api": 72.3, "Data": 5, "Edge": 0}, last)
	assert.Regexp(t, `^\{"Api":72.3,"Data":\d[\d.]*\}$`, w.stored.Document("metadata/durations/dev.json"), "Api was not changed, and Edge was not either")

	w.stored.Set("metadata/durations/dev.json", `what is this`)
	require.NoError(t, w.deploySlowly(t.Context(), d, false), "no deployment fails for it")
}

// TestFetchingAndAssumingReportProgress runs the stage itself, in virtual time.
func TestFetchingAndAssumingReportProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []progress.Event
		slow := func(err error) error {
			time.Sleep(time.Minute)
			return err
		}
		d := deploy.Deps{
			Engine: engine.Engine{Runner: proc.Runner{}, Assume: func(context.Context, *slog.Logger, awsauth.Target) (*awsauth.Access, error) {
				return nil, slow(errors.New("denied"))
			}},
			Progress: progress.Options{Report: func(e progress.Event) { events = append(events, e) }},
			Bucket:   artifacts{buckettest.New(nil), &world{fetch: func() error { return slow(errors.New("gone")) }}},
		}
		frame := stage.Frame{Log: slog.New(slog.DiscardHandler), Out: &bytes.Buffer{}}
		_, err := deploy.Run(t.Context(), d, frame, deploy.Input{Environment: "dev", Workspace: bucket.Workspace{Artifact: "a", Bucket: "b"}})
		require.ErrorContains(t, err, "gone")
		require.Len(t, events, 6)
		assert.Equal(t, "fetching the built workspace (9s)", events[0].Text)
		events = nil
		e := d.Engine.In(frame, d.Progress)
		defer e.Reporter.Watch()()
		_, err = e.Deploy(t.Context(), engine.Request{})
		require.ErrorContains(t, err, "denied")
		assert.Len(t, events, 6)
	})
}
