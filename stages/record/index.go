package record

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/notify/event"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Index lists what is in which environment, and the last 1,000 runs, so that nobody needs to read all records of runs.
type Index struct {
	Environments []Environment `json:"environments"` // in alphabetical order
	Runs         []Summary     `json:"runs"`         // ended, newest first
	Pipeline     string        `json:"pipeline,omitempty"`
}

// Environment is what runs deployed to an environment.
type Environment struct {
	Environment string    `json:"environment"`
	Commit      string    `json:"commit,omitempty"` // of the last successful deployment; the fields below too
	Branch      string    `json:"branch,omitempty"`
	Since       time.Time `json:"since,omitzero"` // end of the deployment
	By          string    `json:"by,omitempty"`   // login of the pusher
	Run         string    `json:"run,omitempty"`
	LeftOut     []string  `json:"leftOut,omitempty"` // environments that whoever started the run left out
	Failed      *Failed   `json:"failed,omitempty"`  // the last deployment, if it did not succeed
}

// Failed is a deployment that did not succeed.
type Failed struct {
	Commit string    `json:"commit"`
	By     string    `json:"by,omitempty"`
	Run    string    `json:"run"`
	Ended  time.Time `json:"ended"`
	Error  string    `json:"error,omitempty"`
}

// Summary is a run that ended.
type Summary struct {
	Run          string    `json:"run"`
	Status       string    `json:"status"` // Succeeded, Skipped, Failed, Error, Stopped, Superseded or Held
	Commit       string    `json:"commit"`
	Branch       string    `json:"branch,omitempty"`
	By           string    `json:"by,omitempty"` // login of the pusher
	Created      string    `json:"created,omitempty"`
	Ended        time.Time `json:"ended"`
	Environments []string  `json:"environments,omitempty"` // that it deployed to successfully
	HandedOver   string    `json:"handedOver,omitempty"`   // successor run, which deploys the commit
	Error        string    `json:"error,omitempty"`
	Check        bool      `json:"check,omitempty"`   // it checked a pull request, and deployed nothing
	Skipped      string    `json:"skipped,omitempty"` // why the run had nothing to do
	Purpose      string    `json:"purpose,omitempty"` // what a person wants of the run
	Page         bool      `json:"page,omitempty"`    // the bucket has its page

	Deployments []Deployment       `json:"deployments,omitempty"` // that it began, also in attempts before its last one
	Took        map[string]float64 `json:"took,omitempty"`        // seconds, of its slowest steps that succeeded
}

// Deployment is an attempt to deploy to an environment, with its tests.
type Deployment struct {
	Environment string        `json:"environment"`
	Ended       time.Time     `json:"ended"`
	Outcome     event.Outcome `json:"outcome"`
}

const (
	// maxRuns is how many runs an index lists.
	maxRuns = 1000
	// maxText is the longest text that an index has of a run, in bytes: others wrote it.
	maxText = 500
	// readers is how many records are read at once.
	readers = 16
	// maxTook is of how many steps an index has the time that they took in a run.
	maxTook = 12
	// maxDeployments is how many deployments an index has of one run, and maxAllDeployments
	// of all: older runs lose theirs.
	maxDeployments, maxAllDeployments = 1000, 20_000
)

// add adds a run, or replaces what the index has of it. Runs may come in any order.
func (x *Index) add(d Document) {
	s := Summary{
		Run: d.Workflow, Status: d.Status, Commit: short(d.Commit), Branch: short(d.Branch), By: short(d.Pusher), Created: short(d.Created), Ended: d.Ended,
		HandedOver: d.HandedOver, Error: short(d.Error), Skipped: short(d.Skipped), Check: d.Check, Purpose: short(d.Purpose), Page: d.paged, Took: d.took(),
	}
	x.Pipeline = cmp.Or(short(d.Pipeline), x.Pipeline)
	for _, step := range d.Steps {
		name := plan.DeployedBy(step.Step)
		if name == "" || !began(step) {
			continue
		}
		x.environment(name).deployed(d, step)
		if step.Status == stage.Done {
			s.Environments = append(s.Environments, name)
		}
	}
	s.Deployments = d.deployments()
	x.Runs = slices.DeleteFunc(x.Runs, func(other Summary) bool {
		if other.Run == s.Run {
			s.keep(other.Deployments)
		}
		return other.Run == s.Run
	})
	at, _ := slices.BinarySearchFunc(x.Runs, s, newestFirst)
	x.Runs = slices.Insert(x.Runs, at, s)
	x.Runs = x.Runs[:min(len(x.Runs), maxRuns)]
	left := maxAllDeployments
	for i := range x.Runs {
		if left -= len(x.Runs[i].Deployments); left < 0 {
			x.Runs[i].Deployments = nil
		}
	}
}

func newestFirst(one, other Summary) int {
	return cmp.Or(other.Ended.Compare(one.Ended), strings.Compare(one.Run, other.Run))
}

// environment returns the environment of that name, a new one if the index lacks it.
func (x *Index) environment(name string) *Environment {
	at, found := slices.BinarySearchFunc(x.Environments, name, func(e Environment, name string) int { return strings.Compare(e.Environment, name) })
	if !found {
		x.Environments = slices.Insert(x.Environments, at, Environment{Environment: name})
	}
	return &x.Environments[at]
}

// deployed adds a deployment, unless a later one is known.
func (e *Environment) deployed(d Document, step stage.Record) {
	if step.Status != stage.Done {
		if step.Ended.After(e.Since) && (e.Failed == nil || !step.Ended.Before(e.Failed.Ended)) {
			e.Failed = &Failed{Commit: short(d.Commit), By: short(d.Pusher), Run: d.Workflow, Ended: step.Ended, Error: short(step.Error)}
		}
		return
	}
	if step.Ended.Before(e.Since) {
		return
	}
	e.Commit, e.Branch, e.Since, e.By, e.Run, e.LeftOut = short(d.Commit), short(d.Branch), step.Ended, short(d.Pusher), d.Workflow, d.LeftOut
	if e.Failed != nil && !e.Failed.Ended.After(e.Since) {
		e.Failed = nil
	}
}

// has reports whether what a run deployed is what its environments have.
func (x *Index) has(run Document) bool {
	for _, step := range run.Steps {
		name := plan.DeployedBy(step.Step)
		if name != "" && step.Status == stage.Done && x.environment(name).Run != run.Workflow {
			return false
		}
	}
	return true
}

// short returns a text that others wrote, without what is too long of it.
func short(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "…"
}

// failedBefore reports whether the run that ended before this one failed: of those that
// deploy by themselves, and that nobody stopped.
func (x *Index) failedBefore(run string) bool {
	at := slices.IndexFunc(x.Runs, func(s Summary) bool { return s.Run == run })
	for _, s := range x.Runs[at+1:] {
		if !s.Check && plan.Purpose(s.Purpose).Deploys() && s.HandedOver == "" && s.Status != Stopped && s.Status != Superseded && s.Status != Skipped {
			return s.Status != "Succeeded"
		}
	}
	return false
}

// errNoIndex means that a bucket has no index that can be read.
var errNoIndex = errors.New("there is no index")

// addToIndex adds the run to the index of the bucket, and returns it. If that is missing or
// damaged, it is made from the records of all runs, as after an update from a version
// without an index.
func addToIndex(ctx context.Context, b bucket.Bucket, run Document) (Index, error) {
	var x Index
	err := b.Update(ctx, bucket.IndexKey(), func(before []byte) ([]byte, error) {
		var err error
		if x, err = parseIndex(before); err != nil {
			return nil, err
		}
		x.add(run)
		return json.Marshal(x)
	})
	if !errors.Is(err, errNoIndex) {
		return x, err
	}
	remade, err := indexOf(ctx, b)
	if err != nil {
		return x, err
	}
	err = b.Update(ctx, bucket.IndexKey(), func(before []byte) ([]byte, error) {
		var err error
		if x, err = parseIndex(before); err != nil { // else of a run that was faster
			x = remade
		}
		x.add(run)
		return json.Marshal(x)
	})
	return x, err
}

func parseIndex(data []byte) (x Index, err error) {
	if data == nil || json.Unmarshal(data, &x) != nil || x.Runs == nil {
		return Index{}, errNoIndex
	}
	return x, nil
}

// ReadIndex reads the index of a bucket. It is made from the records of all runs, which
// takes longer, if no run has made it yet.
func ReadIndex(ctx context.Context, b bucket.Bucket) (Index, error) {
	data, err := b.Get(ctx, bucket.IndexKey())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Index{}, err
	}
	x, err := parseIndex(data)
	if errors.Is(err, errNoIndex) {
		return indexOf(ctx, b)
	}
	return x, err
}

// indexOf makes the index from the records of all runs. Records that cannot be understood
// are left out: one of them must not hide all others.
func indexOf(ctx context.Context, b bucket.Bucket) (Index, error) {
	keys, err := b.List(ctx, bucket.RunRecordsPrefix())
	if err != nil {
		return Index{}, fmt.Errorf("listing the records of runs: %w", err)
	}
	pages := map[string]bool{}
	for _, key := range keys {
		pages[key] = true
	}
	keys = slices.DeleteFunc(keys, func(key string) bool { _, ok := bucket.RunOfRecord(key); return !ok })
	documents, failed := make([]*Document, len(keys)), make([]error, len(keys))
	slots := make(chan struct{}, readers)
	var group sync.WaitGroup
	for i, key := range keys {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			documents[i], failed[i] = readDocument(ctx, b, key)
		})
	}
	group.Wait()
	if err := errors.Join(failed...); err != nil {
		return Index{}, err
	}
	x := Index{Environments: []Environment{}, Runs: []Summary{}}
	for _, document := range documents {
		if document != nil {
			document.paged = pages[bucket.RunPageKey(document.Workflow)]
			x.add(*document)
		}
	}
	return x, nil
}

// readDocument reads the record of a run; nil is one that is no longer there, or damaged.
func readDocument(ctx context.Context, b bucket.Bucket, key string) (*Document, error) {
	data, err := b.Get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the record %q: %w", key, err)
	}
	var d Document
	run, _ := bucket.RunOfRecord(key)
	if json.Unmarshal(data, &d) != nil || d.Workflow != run {
		return nil, nil
	}
	return &d, nil
}

// ReadRun reads the record of a run; the error for a run that has none is fs.ErrNotExist.
func ReadRun(ctx context.Context, b bucket.Bucket, run string) (Document, error) {
	data, err := b.Get(ctx, bucket.RunRecordKey(run))
	if err != nil {
		return Document{}, err
	}
	var d Document
	if err := json.Unmarshal(data, &d); err != nil {
		return Document{}, fmt.Errorf("reading the record of run %q: %w", run, err)
	}
	return d, nil
}
