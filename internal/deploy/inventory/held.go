package inventory

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Seen returns the digests of what gates of an environment found in the plan of a run that they
// held, as the record of its deployment says. A run or gate that was not held is an error.
func Seen(ctx context.Context, b bucket.Bucket, run, environment string, gates []gate.Name) ([]string, error) {
	steps, err := stage.StepRecords(ctx, b, run)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(steps, func(r stage.Record) bool { return r.Step == plan.Deploy(environment) && r.Status == errs.Held.String() })
	if at < 0 {
		return nil, errs.Failedf("run %s has ended, and no gate held its deployment to %s", run, environment).
			WithHint("generator retry %s starts another one, which an override can let pass", run)
	}
	var summary deploy.Summary
	if err := json.Unmarshal([]byte(steps[at].Outputs["summary"]), &summary); err != nil {
		return nil, errs.Failedf("reading what held run %s in environment %s: %w", run, environment, err)
	}
	return summary.Gates.Seen(gates)
}
