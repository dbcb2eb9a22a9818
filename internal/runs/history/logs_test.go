package history

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// textLog is a log with this text.
func textLog(step, attempt, text string) Log {
	return Log{Step: step, Attempt: attempt, Open: func(context.Context, bool) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

// copied copies logs of a run that has ended, with their names.
func copied(t *testing.T, step string, logs ...Log) (string, error) {
	t.Helper()
	var out bytes.Buffer
	s := Source{Logs: func(context.Context, string) ([]Log, bool, error) { return logs, true, nil }}
	err := s.CopyLogs(t.Context(), "shop-1", step, false, func(log Log) io.Writer {
		out.WriteString("> " + log.Attempt + "\n")
		return &out
	})
	return out.String(), err
}

func TestTheLogsOfAllAttemptsOrOfOneStepAreCopied(t *testing.T) {
	logs := []Log{textLog("build", "pod-1", "a\n"), textLog("deploy-dev", "pod-2", "b\n"), textLog("deploy-dev", "pod-3", "c\n")}
	for step, want := range map[string]string{
		"": "> pod-1\na\n> pod-2\nb\n> pod-3\nc\n", "build": "> pod-1\na\n", "deploy-dev": "> pod-2\nb\n> pod-3\nc\n", "test-dev": "> pod-2\nb\n> pod-3\nc\n",
	} {
		text, err := copied(t, step, logs...)
		require.NoError(t, err, step)
		assert.Equal(t, want, text, step)
	}
	_, err := copied(t, "deploy-prod", logs...)
	require.EqualError(t, err, `run "shop-1" has no log of step "deploy-prod"`)
	assert.Equal(t, "it has those of build, deploy-dev", errs.HintOf(err))
	_, err = copied(t, "build")
	require.EqualError(t, err, `there are no logs of run "shop-1"`)

	broken := textLog("build", "pod-1", "")
	broken.Open = func(context.Context, bool) (io.ReadCloser, error) { return nil, errors.New("gone") }
	_, err = copied(t, "", broken)
	assert.EqualError(t, err, "reading the log of step build (pod-1): gone")
}

func TestLogsAreFollowedUntilTheRunHasEnded(t *testing.T) {
	before := pause
	pause = time.Millisecond
	t.Cleanup(func() { pause = before })
	rounds := [][]Log{nil, {textLog("build", "pod-1", "a\n")}, {textLog("build", "pod-1", "a\n")}, {textLog("build", "pod-1", "a\n"), textLog("deploy-dev", "pod-2", "b\n")}}
	at := 0
	s := Source{Logs: func(context.Context, string) ([]Log, bool, error) {
		at++
		return rounds[at-1], at == len(rounds), nil
	}}
	var out bytes.Buffer
	require.NoError(t, s.CopyLogs(t.Context(), "shop-1", "", true, func(Log) io.Writer { return &out }))
	assert.Equal(t, "a\nb\n", out.String())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.Logs = func(context.Context, string) ([]Log, bool, error) { return nil, false, nil }
	assert.ErrorIs(t, s.CopyLogs(ctx, "shop-1", "", true, nil), context.Canceled)
}

func TestTheLogsOfALocalRunAreThoseOfItsFolderAlone(t *testing.T) {
	runs := t.TempDir()
	dir := filepath.Join(runs, "shop-1", "logs")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for i, name := range []string{"validate.log", "build.log", "other.txt"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(name+"\n"), 0o600))
		at := time.Now().Add(time.Duration(i) * time.Minute)
		require.NoError(t, os.Chtimes(filepath.Join(dir, name), at, at))
	}
	outside := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(outside, []byte("secret"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "deploy-dev.log")))
	s := Source{Logs: InFolder(runs)}
	var out bytes.Buffer
	require.NoError(t, s.CopyLogs(t.Context(), "shop-1", "", false, func(Log) io.Writer { return &out }))
	assert.Equal(t, "validate.log\nbuild.log\n", out.String())
	for _, run := range []string{"shop-2", "../runs", "../../etc"} {
		assert.Error(t, s.CopyLogs(t.Context(), run, "", false, func(Log) io.Writer { return &out }), run)
	}
	require.ErrorContains(t, Source{Logs: InFolder(filepath.Join(runs, "none"))}.CopyLogs(t.Context(), "shop-1", "", false, nil), "no logs of run")
}

func TestALineOfALogIsAnObject(t *testing.T) {
	var out bytes.Buffer
	lines := NewLines(&out, Log{Step: "build", Attempt: "pod-1"})
	for _, part := range []string{"one\ntw", "o <\x1b[2J>\n", "", "three"} {
		n, err := lines.Write([]byte(part))
		require.NoError(t, err)
		assert.Equal(t, len(part), n)
	}
	require.NoError(t, lines.Close())
	assert.Equal(t, `{"attempt":"pod-1","step":"build","text":"one"}
{"attempt":"pod-1","step":"build","text":"two <\u001b[2J>"}
{"attempt":"pod-1","step":"build","text":"three"}
`, out.String())

	out.Reset()
	lines = NewLines(&out, Log{})
	_, err := lines.Write(bytes.Repeat([]byte("x"), 3*maxLine))
	require.NoError(t, err)
	assert.Equal(t, 3, strings.Count(out.String(), "\n"), "a line without an end is not kept in memory")
}
