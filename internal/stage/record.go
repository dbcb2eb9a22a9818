package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Record is the result of one run of a stage. It is written to result.json in the
// outputs folder, and to the artifact bucket for runs of a workflow.
type Record struct {
	Workflow string            `json:"workflow,omitempty"`
	Step     string            `json:"step,omitempty"`
	Stage    string            `json:"stage"`
	Status   string            `json:"status"` // Done, or the kind of error: failed, invalid, temporary, cancelled, superseded or held
	ExitCode int               `json:"exitCode"`
	Error    string            `json:"error,omitempty"`
	Hint     string            `json:"hint,omitempty"`
	Started  time.Time         `json:"started"` // UTC
	Ended    time.Time         `json:"ended"`   // UTC
	Outputs  map[string]string `json:"outputs,omitempty"`
	Version  string            `json:"version"`
	Details  *Details          `json:"details,omitempty"`
}

// Done is the status of a stage that succeeded.
const Done = "done"

// Deployed is the commit that the last successful run deployed, or the newest one that
// a run began to deploy to an environment, or went back to; there it is empty until one did.
type Deployed struct {
	Commit string `json:"commit"`
	Run    string `json:"run"`
	// Former are the runs that began to deploy to the environment before, newest first.
	Former []string `json:"former,omitempty"`
	// Account and Region are where the environment is, and Approval whether it waits for an
	// approval. They are empty in documents of earlier versions.
	Account  string `json:"account,omitempty"`
	Region   string `json:"region,omitempty"`
	Approval bool   `json:"approval,omitempty"`
	// Refused is the newest commit that was rolled back: until a newer one is deployed, runs
	// deploy neither it nor an older one, unless a person asks for that. It is empty if nothing was.
	Refused string `json:"refused,omitempty"`
	// Guarded are accounts that the environment left while it waited for an approval.
	Guarded []string `json:"guarded,omitempty"`
}

// ResultFile is the name of the record among the output files.
const ResultFile = "result.json"

func newRecord(c call, started time.Time, outputs map[string]string, err error, mask func(string) string) Record {
	r := Record{
		Workflow: c.common.Workflow, Step: c.common.Step, Stage: c.stage.Contract.Name(),
		Status: Done, ExitCode: ExitCode(err), Outputs: outputs, Version: Version(),
		Started: started.UTC(), Ended: time.Now().UTC(),
	}
	if err != nil {
		r.Status, r.Error, r.Hint = errs.KindOf(err).String(), mask(err.Error()), mask(errs.HintOf(err))
	}
	return r
}

// keep writes the record to the outputs folder and to the bucket.
func (c call) keep(ctx context.Context, r Record) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the record: %w", err)
	}
	if c.common.Outputs != "" {
		if err := os.WriteFile(filepath.Join(c.common.Outputs, ResultFile), data, 0o644); err != nil {
			return fmt.Errorf("writing the record: %w", err)
		}
	}
	if c.program.Bucket == nil || c.common.Records == "" || r.Workflow == "" || r.Step == "" {
		return nil
	}
	// A cancelled stage still records that it was cancelled.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	records, err := c.program.Bucket(ctx, c.common.Records)
	if err != nil {
		return err
	}
	return create(ctx, records, r.Workflow, r.Step, data)
}

// maxAttempts is how often a step is recorded.
const maxAttempts = 100

// create stores the record of a step under the key of its next attempt. A record is never
// overwritten: neither that of an earlier attempt, nor what somebody put there before.
func create(ctx context.Context, records bucket.Bucket, run, step string, data []byte) error {
	for attempt := 1; attempt <= maxAttempts; attempt++ {
		if err := records.Create(ctx, bucket.StepRecordKey(run, step, attempt), data); !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return errs.Failedf("step %s of run %s has %d records already", step, run, maxAttempts)
}

// StepRecords returns the record of the last attempt of each step of a run, in the order
// of their names. A record that says that it belongs to another step or run is replaced
// by one that says so: whoever may write the record of a build must not report a deployment.
func StepRecords(ctx context.Context, records bucket.Bucket, run string) ([]Record, error) {
	last, err := lastAttempts(ctx, records, run)
	if err != nil {
		return nil, err
	}
	all := make([]Record, 0, len(last))
	for _, step := range slices.Sorted(maps.Keys(last)) {
		one, err := readStep(ctx, records, run, step, last[step])
		if err != nil {
			return nil, err
		}
		if one.Step != step || one.Workflow != run {
			one = Record{
				Workflow: run, Step: step, Stage: one.Stage, Status: errs.Failed.String(), ExitCode: ExitCode(errs.Failedf("forged")), Started: one.Started, Ended: one.Ended,
				Error: fmt.Sprintf("its record %s says that it is of step %q of run %q, and was not used", bucket.StepRecordKey(run, step, last[step]), one.Step, one.Workflow),
				Hint:  "find out who wrote it: only this pipeline's own stages write records",
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// StepDone reports whether the last attempt of a step of a run is recorded as done.
func StepDone(ctx context.Context, records bucket.Bucket, run, step string) (bool, error) {
	last, err := lastAttempts(ctx, records, run)
	if err != nil || last[step] == 0 {
		return false, err
	}
	one, err := readStep(ctx, records, run, step, last[step])
	return err == nil && one.Step == step && one.Workflow == run && one.Status == Done, err
}

// StepInterrupted reports whether the last attempt of a step did not come to its own end: it left
// no record, as its pod was lost, or one that it was stopped or failed for a time.
func StepInterrupted(ctx context.Context, records bucket.Bucket, run, step string) (bool, error) {
	last, err := lastAttempts(ctx, records, run)
	if err != nil || last[step] == 0 {
		return err == nil, err
	}
	one, err := readStep(ctx, records, run, step, last[step])
	return err == nil && one.Step == step && one.Workflow == run && (one.Status == errs.Temporary.String() || one.Status == errs.Cancelled.String()), err
}

// lastAttempts returns the number of the last recorded attempt of each step of a run.
func lastAttempts(ctx context.Context, records bucket.Bucket, run string) (map[string]int, error) {
	keys, err := records.List(ctx, bucket.StepRecordsPrefix(run))
	if err != nil {
		return nil, fmt.Errorf("listing the records of run %q: %w", run, err)
	}
	last := map[string]int{}
	for _, key := range keys {
		if step, attempt, ok := bucket.StepOfRecord(key); ok {
			last[step] = max(last[step], attempt)
		}
	}
	return last, nil
}

func readStep(ctx context.Context, records bucket.Bucket, run, step string, attempt int) (one Record, err error) {
	key := bucket.StepRecordKey(run, step, attempt)
	data, err := records.Get(ctx, key)
	if err != nil {
		return one, fmt.Errorf("reading the record %q: %w", key, err)
	}
	if err := json.Unmarshal(data, &one); err != nil {
		return one, errs.Failedf("reading the record %q: %w", key, err)
	}
	return one, nil
}
