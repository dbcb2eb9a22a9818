package history

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Log is what an attempt of a step printed.
type Log struct {
	Step    string // the first one of a pod with several
	Attempt string // name of its pod or file
	// Open reads it to its end or, if it is followed, to the end of the attempt.
	Open func(ctx context.Context, follow bool) (io.ReadCloser, error)
}

// of reports whether a log has what a step printed: the tests of an environment run in the
// pod that deployed it.
func (l Log) of(step string) bool {
	environment := plan.DeployedBy(l.Step)
	return step == "" || l.Step == step || environment != "" && step == plan.Test(environment)
}

// pause is how long to wait for further pods of a run.
var pause = 2 * time.Second

// CopyLogs copies the logs of a run, or of one step, each to the writer that begin returns.
// If they are followed it returns when the run has ended.
func (s Source) CopyLogs(ctx context.Context, run, step string, follow bool, begin func(Log) io.Writer) error {
	copied := map[string]bool{}
	for {
		logs, ended, err := s.Logs(ctx, run)
		if err != nil {
			return err
		}
		for _, log := range logs {
			if !log.of(step) || copied[log.Attempt] {
				continue
			}
			copied[log.Attempt] = true
			if err := log.copyTo(ctx, begin(log), follow && !ended); err != nil {
				return fmt.Errorf("reading the log of step %s (%s): %w", log.Step, log.Attempt, err)
			}
		}
		switch {
		case follow && !ended:
		case len(copied) == 0 && step != "" && len(logs) > 0:
			return errs.Invalidf("run %q has no log of step %q", run, step).WithHint("it has those of %s", strings.Join(stepsOf(logs), ", "))
		case len(copied) == 0:
			return errs.Invalidf("there are no logs of run %q", run).
				WithHint("pods are removed some time after a run: generator show has the errors of its steps; generator history lists the runs")
		default:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (l Log) copyTo(ctx context.Context, to io.Writer, follow bool) error {
	from, err := l.Open(ctx, follow)
	if err != nil {
		return err
	}
	defer from.Close()
	_, err = io.Copy(to, from)
	if closer, is := to.(io.Closer); is && err == nil {
		err = closer.Close()
	}
	return err
}

// stepsOf returns the steps of logs, each once.
func stepsOf(logs []Log) (steps []string) {
	for _, log := range logs {
		if !slices.Contains(steps, log.Step) {
			steps = append(steps, log.Step)
		}
	}
	return steps
}

// podLogs returns the logs of the pods of a run. A pod that has not started has none yet.
func podLogs(ctx context.Context, cluster kube.Cluster, run, namespace string) ([]Log, bool, error) {
	pods, ended, err := cluster.PodsOf(ctx, run, namespace)
	if err != nil {
		return nil, false, err
	}
	var logs []Log
	for _, pod := range pods {
		if pod.Pending {
			continue
		}
		logs = append(logs, Log{Step: pod.Task, Attempt: pod.Name, Open: func(ctx context.Context, follow bool) (io.ReadCloser, error) {
			return cluster.Log(ctx, pod, follow)
		}})
	}
	return logs, ended, nil
}

// logSuffix is the end of the name of a log of a local run.
const logSuffix = ".log"

// InFolder returns the function that finds the logs of local runs, which each have a folder
// in that folder.
func InFolder(folder string) func(ctx context.Context, run string) ([]Log, bool, error) {
	return func(_ context.Context, run string) ([]Log, bool, error) {
		root, err := os.OpenRoot(folder)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, true, nil
		}
		if err != nil {
			return nil, false, err
		}
		defer root.Close()
		dir := path.Join(run, "logs")
		entries, err := fs.ReadDir(root.FS(), dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, false, err
		}
		var logs []Log
		ended := map[string]time.Time{}
		for _, entry := range entries {
			step, is := strings.CutSuffix(entry.Name(), logSuffix)
			info, err := entry.Info()
			if !is || err != nil || !info.Mode().IsRegular() {
				continue
			}
			ended[step] = info.ModTime()
			logs = append(logs, Log{Step: step, Attempt: path.Join(dir, entry.Name()), Open: func(context.Context, bool) (io.ReadCloser, error) {
				return os.OpenInRoot(folder, path.Join(dir, entry.Name()))
			}})
		}
		slices.SortStableFunc(logs, func(a, b Log) int { return ended[a.Step].Compare(ended[b.Step]) })
		return logs, true, nil
	}
}

// Lines is a writer that writes each line of a log as a JSON object.
type Lines struct {
	to   *bufio.Writer
	log  Log
	rest []byte
}

// NewLines returns the writer for a log. Close writes a last line without an end.
func NewLines(to io.Writer, log Log) *Lines { return &Lines{to: bufio.NewWriter(to), log: log} }

// maxLine is the longest line that is written as one object, in bytes.
const maxLine = 1 << 20

// Write writes the lines that are complete.
func (l *Lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		next := end + 1
		if end < 0 && len(l.rest) >= maxLine {
			end, next = maxLine, maxLine
		}
		if end < 0 {
			return len(p), l.to.Flush()
		}
		if err := l.write(l.rest[:end]); err != nil {
			return 0, err
		}
		l.rest = l.rest[next:]
	}
}

// Close writes what is left.
func (l *Lines) Close() error {
	if len(l.rest) > 0 {
		if err := l.write(l.rest); err != nil {
			return err
		}
	}
	return l.to.Flush()
}

func (l *Lines) write(text []byte) error {
	encoder := json.NewEncoder(l.to)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(map[string]string{"step": l.log.Step, "attempt": l.log.Attempt, "text": string(text)})
}
