package state_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/localrun/state"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

func open(t *testing.T, dir string) state.Folder {
	t.Helper()
	f, err := state.Open(t.Context(), dir, state.Run, func(string) { t.Error("nobody else uses the folder") })
	require.NoError(t, err)
	t.Cleanup(f.Close)
	return f
}

func TestRunsOfOneSecondHaveNamesOfTheirOwn(t *testing.T) {
	f, now := open(t, filepath.Join(t.TempDir(), "state")), time.Date(2026, 11, 27, 13, 37, 7, 0, time.UTC)
	for _, want := range []string{"shop-20261127-133707", "shop-20261127-133707-2", "shop-20261127-133707-3"} {
		assert.Equal(t, want, f.NewRun("shop-", now))
		require.NoError(t, os.MkdirAll(f.Run(want), 0o755))
	}
	assert.Equal(t, "shop-20261127-133708", f.NewRun("shop-", now.Add(time.Second)))
}

func TestTheNextRunReadsWhatWasStored(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	f := open(t, dir)
	assert.Equal(t, plan.Place{}, f.Place())
	place := plan.Place{Account: "111111111111", Region: "eu-west-1", Bucket: "b", Config: "c"}
	require.NoError(t, f.KeepPlace(place))
	f.Close()

	f = open(t, dir)
	assert.Equal(t, place, f.Place())
	ignored, err := os.ReadFile(filepath.Join(dir, ".gitignore"))
	require.NoError(t, err)
	assert.Equal(t, "*\n", string(ignored))
}

func TestAnIncompleteFileIsIgnored(t *testing.T) {
	f := open(t, t.TempDir())
	require.NoError(t, os.WriteFile(filepath.Join(f.Dir, "place.json"), []byte(`{"Account":"1","Reg`), 0o600))
	assert.Equal(t, plan.Place{}, f.Place())
}

func TestOneRunUsesAFolderAtATime(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	waits, opened := make(chan struct{}), make(chan error, 1)
	go func() {
		second, err := state.Open(t.Context(), dir, state.Run, func(string) { close(waits) })
		if err == nil {
			second.Close()
		}
		opened <- err
	}()
	<-waits
	select {
	case <-opened:
		t.Fatal("two runs use the folder")
	case <-time.After(300 * time.Millisecond):
	}
	ctx, stop := context.WithCancel(t.Context())
	_, err := state.Open(ctx, dir, state.Run, func(string) { stop() })
	require.ErrorIs(t, err, context.Canceled)
	first.Close()
	require.NoError(t, <-opened)
}

func TestAFolderThatCannotBeMadeNamesTheFlag(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := state.Open(t.Context(), filepath.Join(file, "state"), state.Run, nil)
	require.Error(t, err)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "--state")
}

func TestWhoUsesAFolderIsNamedAndASimulatorIsNotWaitedFor(t *testing.T) {
	for user, waits := range map[state.User]bool{state.Run: true, state.Simulator: false} {
		dir := t.TempDir()
		first, err := state.Open(t.Context(), dir, user, nil)
		require.NoError(t, err)
		holder := fmt.Sprintf("%s (process %d)", user, os.Getpid())
		ctx, stop := context.WithCancel(t.Context())
		named := ""
		_, err = state.Open(ctx, dir, state.Run, func(other string) { named = other; stop() })
		if waits {
			assert.Equal(t, holder, named)
			require.ErrorIs(t, err, context.Canceled)
		} else {
			require.ErrorContains(t, err, holder+" uses the state folder "+dir)
			assert.Contains(t, errs.HintOf(err), "--state")
		}
		stop()
		first.Close()
		next := open(t, dir)
		next.Close()
	}
}
