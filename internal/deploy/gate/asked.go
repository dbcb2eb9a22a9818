package gate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/bucket"
)

// Asked is what the gates before the environments of a run look at. The run stores it before
// its first environment.
type Asked struct {
	Commit    string   `json:"commit"`
	Config    string   `json:"config"`    // the configuration file of the commit
	Approvals []string `json:"approvals"` // environments that require an approval
}

// Requires reports whether the run requires an approval of an environment.
func (a *Asked) Requires(environment string) bool {
	return a != nil && slices.Contains(a.Approvals, environment)
}

// Ask stores what the gates of a run look at.
func (s Store) Ask(ctx context.Context, run string, a Asked) error {
	data, err := json.Marshal(a)
	if err == nil {
		err = s.Bucket.Update(ctx, bucket.AskedKey(run), func([]byte) ([]byte, error) { return data, nil })
	}
	if err != nil {
		return fmt.Errorf("storing what the gates of run %s look at: %w", run, err)
	}
	return nil
}

// Asked reads what the gates of a run look at; nil of a run without gates, or of an earlier version.
func (s Store) Asked(ctx context.Context, run string) (*Asked, error) {
	return read[*Asked](ctx, s.Bucket, bucket.AskedKey(run))
}

// Decisions reads what people decided about the deployment of a run to an environment.
func (s Store) Decisions(ctx context.Context, run, environment string) ([]Decision, error) {
	return read[[]Decision](ctx, s.Bucket, bucket.DecisionsKey(run, environment))
}

// WaitsForPerson reports whether a run that has come to an environment waits for an approval of it.
func (s Store) WaitsForPerson(ctx context.Context, run, environment string) (bool, error) {
	asked, err := s.Asked(ctx, run)
	if err != nil || !asked.Requires(environment) {
		return false, err
	}
	known, err := s.known(ctx, asked, run, environment)
	if err != nil {
		return false, err
	}
	return approval{}.Evaluate(known).State == Closed, nil
}

// maxDecisions is how many decisions an environment has of a run.
const maxDecisions = 50

// Decide stores what a person decided.
func (s Store) Decide(ctx context.Context, d Decision) error {
	err := add(ctx, s.Bucket, bucket.DecisionsKey(d.Run, d.Environment), d, maxDecisions, d.same, func(Decision) bool { return false })
	if err != nil {
		return fmt.Errorf("storing what %s decided about environment %s of run %s: %w", d.By, d.Environment, d.Run, err)
	}
	return nil
}

// same reports whether two decisions are one.
func (d Decision) same(other Decision) bool {
	return d.of(other.Run, other.Environment) && d.Reject == other.Reject && d.By == other.By && d.Attested == other.Attested && d.Why == other.Why && d.At.Equal(other.At)
}
