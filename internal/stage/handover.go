package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Handover is what a run leaves to the one that goes on in its place: with the
// same commit and what was built of it, by the pipeline that the commit declares.
type Handover struct {
	Run      string `json:"run"`             // name of the run that goes on
	Template string `json:"template"`        // version of the workflow template that it is of
	Artifact string `json:"artifact"`        // key of the built workspace in the bucket
	Digest   string `json:"digest"`          // of the artifact, as sha256:<hex>
	Gates    string `json:"gates,omitempty"` // environments that wait for an approval in it, separated by spaces
}

// HandoverOutput is the output by which a step says that its run hands over.
const HandoverOutput = "handover"

// HandoverOf reads the handover of a run from the records of its steps; nil is none.
func HandoverOf(steps []Record) (*Handover, error) {
	for _, step := range steps {
		if h, err := ParseHandover(step.Outputs[HandoverOutput]); h != nil || err != nil {
			return h, err
		}
	}
	return nil, nil
}

// ParseHandover reads the output of a step; nil is none.
func ParseHandover(output string) (*Handover, error) {
	if output == "" || output == "null" {
		return nil, nil
	}
	var h Handover
	if err := json.Unmarshal([]byte(output), &h); err != nil {
		return nil, errs.Failedf("reading what a run hands over: %w", err)
	}
	return &h, nil
}

// RunRecord is what other runs look for in the record of a whole run.
type RunRecord struct {
	Status     string   `json:"status"`               // Succeeded, Failed or Error
	HandedOver string   `json:"handedOver,omitempty"` // name of the run that goes on in its place
	Pusher     string   `json:"pusher,omitempty"`
	Branch     string   `json:"branch,omitempty"`
	Steps      []Record `json:"steps"`
}

// Records reads the records of runs in an artifact bucket.
type Records struct{ Bucket bucket.Bucket }

// Of gives the record of the run of a name, nil where it did not come to its end.
func (r Records) Of(ctx context.Context, run string) (*RunRecord, error) {
	key := bucket.RunRecordKey(run)
	keys, err := r.Bucket.List(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("looking for the record of run %q: %w", run, err)
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

// First gives the record of the first of the runs that came to its end; nil is none.
// A name may be empty.
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
