package deploy

import (
	"context"
	"errors"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/diagnosis"
)

// lookBehind adds to the failure of a stack what is behind its cause, with the rights of the
// account's lookups. It is best effort, and nothing for other errors.
func (d *deployment) lookBehind(ctx context.Context, region string, err error) {
	failed := new(cfn.Failure)
	if !errors.As(err, &failed) || failed.Cause == nil || ctx.Err() != nil {
		return
	}
	subjects := []diagnosis.Subject{subjectOf(*failed.Cause)}
	for _, other := range failed.Others {
		subjects = append(subjects, subjectOf(other))
	}
	ctx, cancel := context.WithTimeout(ctx, diagnosis.Limit)
	defer cancel()
	reader, err := d.access.Reader(ctx)
	if err != nil {
		d.engine.Log.Info("nothing behind the cause is shown, as no role may look", "error", err)
		return
	}
	for _, found := range diagnosis.Open(reader.In(region).Config, reader.ARN, d.mask).Look(ctx, subjects) {
		failed.Behind = append(failed.Behind, cfn.Detail(found))
	}
}

func subjectOf(e cfn.ResourceEvent) diagnosis.Subject {
	return diagnosis.Subject{
		LogicalID: e.LogicalID, Type: e.Type, PhysicalID: e.PhysicalID, Reason: e.Reason, Properties: e.Properties, Began: e.Began, Failed: e.Time,
	}
}
