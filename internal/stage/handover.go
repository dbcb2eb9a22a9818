package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Handover is what a run passes to the run that continues it: the same commit and
// its built workspace, in the pipeline that the commit declares.
type Handover struct {
	Run      string `json:"run"`      // name of the run that continues this one
	Template string `json:"template"` // version of its workflow template
	Artifact string `json:"artifact"` // key of the built workspace in the bucket
	Digest   string `json:"digest"`   // of the artifact, as sha256:<hex>
	// ConfigDigest is that of the configuration file of the commit, as sha256:<hex>.
	ConfigDigest string `json:"configDigest,omitempty"`
	Gates        string `json:"gates,omitempty"` // environments that wait for an approval in it, separated by spaces
}

// HandoverOutput is the output of a step whose run hands over.
const HandoverOutput = "handover"

// HandoverOf returns the handover in the records of a run's steps, or nil.
func HandoverOf(steps []Record) (*Handover, error) {
	for _, step := range steps {
		if h, err := ParseHandover(step.Outputs[HandoverOutput]); h != nil || err != nil {
			return h, err
		}
	}
	return nil, nil
}

// ParseHandover parses the handover output of a step. It returns nil without one.
func ParseHandover(output string) (*Handover, error) {
	if output == "" || output == "null" {
		return nil, nil
	}
	var h Handover
	if err := json.Unmarshal([]byte(output), &h); err != nil {
		return nil, errs.Failedf("reading the handover of a run: %w", err)
	}
	return &h, nil
}

// RunRecord is the part of a run's record that other runs read.
type RunRecord struct {
	Status     string    `json:"status"`               // Succeeded, Skipped, Failed, Error or Stopped
	HandedOver string    `json:"handedOver,omitempty"` // name of the run that continues it
	Pusher     string    `json:"pusher,omitempty"`
	Branch     string    `json:"branch,omitempty"`
	Ended      time.Time `json:"ended,omitzero"`
	Steps      []Record  `json:"steps"`
	Former     []struct {
		Status string `json:"status"`
	} `json:"former,omitempty"` // its attempts before
}

// Succeeded reports whether an attempt of the run succeeded: one that Argo makes later, such
// as of a delivery that comes again, takes nothing back.
func (r RunRecord) Succeeded() bool {
	if r.Status == "Succeeded" {
		return true
	}
	for _, attempt := range r.Former {
		if attempt.Status == "Succeeded" {
			return true
		}
	}
	return false
}

// Skipped reports whether the run had nothing to do: its commit is deployed as far as it matters.
func (r RunRecord) Skipped() bool { return r.Status == "Skipped" }

// Records reads run records from an artifact bucket.
type Records struct{ Bucket bucket.Bucket }

// Of returns the record of a run, or nil if the run did not finish.
func (r Records) Of(ctx context.Context, run string) (*RunRecord, error) {
	key := bucket.RunRecordKey(run)
	keys, err := r.Bucket.List(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("listing the record of run %q: %w", run, err)
	}
	if !slices.Contains(keys, key) {
		return nil, nil
	}
	data, err := r.Bucket.Get(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("reading the record of run %q: %w", run, err)
	}
	var record RunRecord
	if err := json.Unmarshal(data, &record); err != nil {
		return nil, errs.Failedf("reading the record of run %q: %w", run, err)
	}
	return &record, nil
}

// First returns the record of the first run in runs that finished, or nil. It skips
// empty names.
func (r Records) First(ctx context.Context, runs ...string) (*RunRecord, error) {
	for _, run := range runs {
		if run == "" {
			continue
		}
		if record, err := r.Of(ctx, run); record != nil || err != nil {
			return record, err
		}
	}
	return nil, nil
}
