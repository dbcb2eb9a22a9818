package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/record"
)

// Source has the runs of a pipeline.
type Source struct {
	// Bucket has the records of runs and their index.
	Bucket bucket.Bucket
	// Environments are those of the configuration, in its order; nil means that these are
	// unknown, as for local runs.
	Environments []string
	// Running returns the runs that have not ended; nil for local runs.
	Running func(ctx context.Context) ([]kube.Progress, error)
	// Logs returns the logs of a run that are still there, oldest first, and whether the run
	// has ended.
	Logs func(ctx context.Context, run string) (logs []Log, ended bool, err error)
}

// Status says what is in each environment, and which runs have not ended.
type Status struct {
	Environments []EnvironmentStatus `json:"environments"` // of the configuration, in its order, then others
	Running      []Running           `json:"running"`      // oldest first; of a cluster only
}

// EnvironmentStatus is an environment with what was deployed to it.
type EnvironmentStatus struct {
	record.Environment
	Undeclared bool     `json:"undeclared,omitempty"` // the configuration does not have it
	Waiting    []string `json:"waiting,omitempty"`    // runs that wait for the approval of a deployment to it
	Gated      []string `json:"gated,omitempty"`      // runs that wait for a window, or for the end of a freeze
	// Frozen is the freeze that a person made.
	Frozen *gate.Freeze `json:"frozen,omitempty"`
}

// Running is a run that has not ended.
type Running struct {
	Run     string    `json:"run"`
	Commit  string    `json:"commit"`
	Branch  string    `json:"branch,omitempty"`
	By      string    `json:"by,omitempty"` // login of the pusher
	Created time.Time `json:"created"`
	Waiting []string  `json:"waiting,omitempty"` // environments whose deployment waits for an approval
	Gated   []string  `json:"gated,omitempty"`   // environments whose deployment waits for a window, or for the end of a freeze
}

// limit is how long the cluster may take to list runs.
const limit = 10 * time.Second

// Status reads the status of all environments. If the cluster cannot be asked, the status is
// complete but for the runs in progress, and unknown says why they are missing.
func (s Source) Status(ctx context.Context) (status Status, unknown, err error) {
	index, err := record.ReadIndex(ctx, s.Bucket)
	if err != nil {
		return Status{}, nil, err
	}
	status = Status{Environments: []EnvironmentStatus{}, Running: []Running{}}
	for _, name := range s.Environments {
		status.Environments = append(status.Environments, EnvironmentStatus{Environment: record.Environment{Environment: name}})
	}
	for _, env := range index.Environments {
		at := status.of(env.Environment)
		if at < 0 {
			status.Environments = append(status.Environments, EnvironmentStatus{Undeclared: s.Environments != nil})
			at = len(status.Environments) - 1
		}
		status.Environments[at].Environment = env
	}
	if err := status.freeze(ctx, s.Bucket); err != nil {
		return Status{}, nil, err
	}
	if s.Running == nil {
		return status, nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	runs, unknown := s.Running(ctx)
	for _, run := range runs {
		if err := status.add(ctx, s.Bucket, run); err != nil {
			return Status{}, nil, err
		}
	}
	return status, unknown, nil
}

func (s *Status) of(environment string) int {
	return slices.IndexFunc(s.Environments, func(e EnvironmentStatus) bool { return e.Environment.Environment == environment })
}

// add adds a run in progress.
func (s *Status) add(ctx context.Context, b bucket.Bucket, run kube.Progress) error {
	r := Running{Run: run.Run, Commit: run.Parameters[plan.CommitSHA], Branch: run.Parameters[plan.Branch], By: run.Parameters[plan.Pusher], Created: run.Created}
	approval := func(environment string) {
		r.Waiting = append(r.Waiting, environment)
		if at := s.of(environment); at >= 0 {
			s.Environments[at].Waiting = append(s.Environments[at].Waiting, run.Run)
		}
	}
	for _, step := range run.Waiting { // of a template of an earlier version
		if environment := plan.Suspended(step); environment != "" {
			approval(environment)
		}
	}
	for _, step := range run.Running {
		environment := plan.WaitedFor(step)
		if environment == "" {
			continue
		}
		waits, err := gate.Store{Bucket: b}.WaitsForPerson(ctx, run.Run, environment)
		if err != nil {
			return err
		}
		if waits {
			approval(environment)
			continue
		}
		r.Gated = append(r.Gated, environment)
		if at := s.of(environment); at >= 0 {
			s.Environments[at].Gated = append(s.Environments[at].Gated, run.Run)
		}
	}
	s.Running = append(s.Running, r)
	return nil
}

// freeze adds the freezes that people made.
func (s *Status) freeze(ctx context.Context, b bucket.Bucket) error {
	freezes, err := gate.Store{Bucket: b}.Freezes(ctx, time.Now())
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(freezes)) {
		at, freeze := s.of(name), freezes[name]
		if at < 0 {
			s.Environments = append(s.Environments, EnvironmentStatus{Environment: record.Environment{Environment: name}})
			at = len(s.Environments) - 1
		}
		s.Environments[at].Frozen = &freeze
	}
	return nil
}

// History returns the newest runs that ended, at most so many; only those
// that deployed to an environment if one is given.
func (s Source) History(ctx context.Context, environment string, most int) ([]record.Summary, error) {
	index, err := record.ReadIndex(ctx, s.Bucket)
	if err != nil {
		return nil, err
	}
	runs := []record.Summary{}
	for _, run := range index.Runs {
		if len(runs) < most && (environment == "" || slices.Contains(run.Environments, environment)) {
			runs = append(runs, run)
		}
	}
	return runs, nil
}

// runName matches the name of a run, which is one of Kubernetes.
var runName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,252}$`)

// shortest is the shortest part of a commit or of the name of a run that finds one.
const shortest = 4

// Find returns the name of the run that a person means: by its name, or by the beginning of
// its name or of its commit. Of several runs it is the newest, and more are the others.
func (s Source) Find(ctx context.Context, text string) (run string, more []string, err error) {
	if !runName.MatchString(text) {
		return "", nil, errs.Invalidf("%q is no name of a run and no commit", text).WithHint("generator history lists the runs")
	}
	_, err = s.Bucket.Get(ctx, bucket.RunRecordKey(text))
	if err == nil {
		return text, nil, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", nil, err
	}
	index, err := record.ReadIndex(ctx, s.Bucket)
	if err != nil {
		return "", nil, err
	}
	for _, r := range index.Runs {
		if len(text) >= shortest && runName.MatchString(r.Run) && (strings.HasPrefix(r.Run, text) || strings.HasPrefix(r.Commit, text)) {
			more = append(more, r.Run)
		}
	}
	if len(more) > 0 {
		return more[0], more[1:], nil
	}
	return text, nil, nil
}

// Unended is the status of a run that has no record yet.
const Unended = "Running"

// Show returns the record of a run. A run that has not ended, or that was terminated before
// it could be recorded, has the records of its steps so far and the status [Unended].
func (s Source) Show(ctx context.Context, run string) (record.Document, error) {
	document, err := record.ReadRun(ctx, s.Bucket, run)
	if !errors.Is(err, fs.ErrNotExist) {
		return document, err
	}
	steps, err := stage.StepRecords(ctx, s.Bucket, run)
	if err != nil {
		return record.Document{}, err
	}
	if len(steps) == 0 {
		return record.Document{}, errs.Invalidf("there is no record of run %q in %s", run, s.Bucket).WithHint("generator history lists the runs; a run has none before its first step ends")
	}
	slices.SortStableFunc(steps, func(a, b stage.Record) int { return a.Started.Compare(b.Started) })
	return record.Document{Workflow: run, Status: Unended, Steps: steps, Failures: []record.Failure{}}, nil
}

// OfCluster returns the runs of a pipeline whose records are in a bucket.
func OfCluster(b bucket.Bucket, cfg *config.Config, place plan.Place, connect func() (kube.Cluster, error)) Source {
	return Source{
		Bucket: b, Environments: cfg.EnvironmentNames(),
		Running: func(ctx context.Context) ([]kube.Progress, error) {
			cluster, err := connect()
			if err != nil {
				return nil, err
			}
			runs, err := cluster.InProgress(ctx, plan.NamesOf(cfg, place).Pipeline, cfg.ArgoNamespace)
			if err != nil {
				return nil, fmt.Errorf("listing the runs in progress: %w", err)
			}
			return runs, nil
		},
		Logs: func(ctx context.Context, run string) ([]Log, bool, error) {
			cluster, err := connect()
			if err != nil {
				return nil, false, err
			}
			return podLogs(ctx, cluster, run, cfg.ArgoNamespace)
		},
	}
}
