package validation_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/validation"
)

// begins keeps what it was to show.
type begins struct {
	shown []string
	err   error
	hangs bool
}

func (b *begins) Begin(ctx context.Context, commit, pipeline, page string, environments []string) error {
	if b.hangs {
		<-ctx.Done()
		return errs.Temporaryf("it did not answer in time")
	}
	b.shown = append(b.shown, strings.Join(append([]string{commit, pipeline, page}, environments...), " "))
	return b.err
}

const commit = "0123456789abcdef0123456789abcdef01234567"

// shows validates a commit of a repository.
func shows(t *testing.T, b *begins, text string, change func(*validation.Input)) (validation.Output, error) {
	t.Helper()
	d, dir := fit(), app(t, text)
	d.Repository = func(context.Context, stage.Frame, validation.Input) (validation.Begins, error) { return b, nil }
	in := validation.Input{
		Source: dir, Repository: "https://github.com/my-org/shop.git", Commit: commit, Config: config.File, Pending: "shop", RunURL: "https://argo.test/{run}", Entrypoint: "commit",
	}
	change(&in)
	return validation.Run(t.Context(), d, stage.Frame{Log: slog.New(slog.DiscardHandler), Stdout: io.Discard, Workflow: "shop-1"}, in)
}

func TestARunThatBeginsIsShownAndThenItsEnvironments(t *testing.T) {
	const run = commit + " shop https://argo.test/shop-1"
	for name, c := range map[string]struct {
		text   string
		change func(*validation.Input)
		want   []string
	}{
		"a push":                {good, func(*validation.Input) {}, []string{run, run + " dev prod"}},
		"a pull request":        {good, func(in *validation.Input) { in.Entrypoint = "check" }, []string{run}},
		"no page":               {good, func(in *validation.Input) { in.RunURL = "" }, []string{commit + " shop ", commit + " shop  dev prod"}},
		"no such target":        {good, func(in *validation.Input) { in.Pending = "" }, nil},
		"a local run":           {good, func(in *validation.Input) { in.Silent = true }, nil},
		"a configuration error": {"version: 2", func(*validation.Input) {}, []string{run}},
	} {
		b := &begins{}
		out, _ := shows(t, b, c.text, c.change)
		assert.Equal(t, c.want, b.shown, name)
		for _, finding := range out.Findings {
			assert.NotEqual(t, "github", finding.Check, name)
		}
	}
}

func TestARunDoesNotWaitForGitHubAndWarnsOfWhatIsNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		out, err := shows(t, &begins{hangs: true}, good, func(*validation.Input) {})
		require.NoError(t, err)
		assert.Equal(t, time.Second, time.Since(began))
		assert.Equal(t, []validation.Finding{unshown("it did not answer in time", "", true)}, out.Findings)
	})
	out, err := shows(t, &begins{err: errs.Failedf("no right").WithHint("give it")}, good, func(*validation.Input) {})
	require.NoError(t, err)
	assert.Equal(t, []validation.Finding{unshown("no right", "give it", false)}, out.Findings)
	out, err = shows(t, &begins{err: errors.New("down")}, "version: 2", func(*validation.Input) {})
	assert.Equal(t, errs.Invalid, errs.KindOf(err), "the outcome is that of the checks")
	assert.Contains(t, out.Findings, unshown("down", "", false))
}

func unshown(why, fix string, temporary bool) validation.Finding {
	return validation.Finding{Severity: validation.Warning, Check: "github", Where: "notifications", What: "the statuses of the commit are not all pending: " + why, Fix: fix, Temporary: temporary}
}
