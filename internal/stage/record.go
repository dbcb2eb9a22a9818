package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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
	Status   string            `json:"status"` // Done, or the kind of error: failed, invalid, temporary or cancelled
	ExitCode int               `json:"exitCode"`
	Error    string            `json:"error,omitempty"`
	Hint     string            `json:"hint,omitempty"`
	Started  time.Time         `json:"started"` // UTC
	Ended    time.Time         `json:"ended"`   // UTC
	Outputs  map[string]string `json:"outputs,omitempty"`
	Version  string            `json:"version"`
}

// Done is the status of a stage that succeeded.
const Done = "done"

// Deployed is the commit that the last successful run deployed, or the newest one that
// a run began to deploy to an environment.
type Deployed struct {
	Commit string `json:"commit"`
	Run    string `json:"run"`
	// Former are the runs that began to deploy to the environment before, newest first.
	Former []string `json:"former,omitempty"`
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
	return records.Put(ctx, bucket.StepRecordKey(r.Workflow, r.Step), data)
}
