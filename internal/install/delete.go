package install

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// DeleteOptions say what Delete removes.
type DeleteOptions struct {
	Stack  bool // the stack too; its bucket stays
	Bucket bool // with Stack: the bucket too, with all artifacts and records

	// Confirm is called before anything is removed; its error ends the verb. It may be nil.
	Confirm func(context.Context, Removal) error
}

// Removal names what Delete is about to remove.
type Removal struct {
	Pipeline string // its objects in the cluster
	Stack    string // empty: it stays
	Bucket   string // empty: it stays
}

// Delete removes every object with the pipeline's label and finished runs, then the
// stack and the bucket if requested. The deployed environments stay. It returns the
// changes that were made, also with an error.
func Delete(ctx context.Context, t Target, o DeleteOptions, r Reporter) ([]manifest.Change, error) {
	if _, err := t.useInstalledNames(ctx); err != nil {
		return nil, err
	}
	removal := Removal{Pipeline: t.names().Pipeline}
	if o.Stack {
		removal.Stack = t.names().Stack
	}
	if o.Stack && o.Bucket {
		removal.Bucket = t.Place.Bucket
	}
	if o.Confirm != nil {
		if err := o.Confirm(ctx, removal); err != nil {
			return nil, err
		}
	}
	changes, err := t.Cluster.Delete(ctx, removal.Pipeline, t.Config.ArgoNamespace, t.Config.ArgoEventsNamespace, t.names().ImageBuilder)
	for _, change := range changes {
		r.Changed(Objects, change)
	}
	if err != nil || !o.Stack {
		return changes, err
	}
	base, err := t.AWS(ctx, t.Place.Region)
	if err != nil {
		return changes, err
	}
	removed := func(part Part, object string, action manifest.Action) {
		change := manifest.Change{Object: object, Action: action}
		r.Changed(part, change)
		changes = append(changes, change)
	}
	if found, err := removeStack(ctx, cfn.NewClient(base), removal.Stack); err != nil {
		return changes, err
	} else if found {
		removed(Stack, "stack "+removal.Stack, manifest.Removed)
	}
	if !o.Bucket {
		removed(Bucket, "bucket "+t.Place.Bucket, kept)
		return changes, nil
	}
	if found, err := bucket.Remove(ctx, bucket.NewClient(base, bucket.OwnedBy(t.Place.Account)), removal.Bucket); err != nil {
		return changes, err
	} else if found {
		removed(Bucket, "bucket "+removal.Bucket, manifest.Removed)
	}
	return changes, nil
}

// pollEvery is the interval between checks of a stack that is being deleted.
const pollEvery = time.Second

// removeStack deletes a stack and waits until it is gone. It returns whether
// there was one.
func removeStack(ctx context.Context, api cfn.API, name string) (found bool, err error) {
	stack, err := cfn.Find(ctx, api, name)
	if err != nil || stack == nil {
		return false, err
	}
	id := aws.ToString(stack.StackId) // a deleted stack is found by its id only
	if _, err := api.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &id}); err != nil {
		return true, fmt.Errorf("deleting stack %q: %w", name, err)
	}
	for {
		stack, err := cfn.Find(ctx, api, id)
		switch {
		case err != nil:
			return true, err
		case stack == nil, stack.StackStatus == cfntypes.StackStatusDeleteComplete:
			return true, nil
		case stack.StackStatus == cfntypes.StackStatusDeleteFailed:
			return true, errs.Failedf("stack %q could not be deleted: %s", name, aws.ToString(stack.StackStatusReason))
		}
		select {
		case <-ctx.Done():
			return true, ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}
