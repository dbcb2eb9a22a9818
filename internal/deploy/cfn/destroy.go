package cfn

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Destroyed is a stack that was deleted, or was gone already.
const Destroyed Action = "destroyed"

// Destroy deletes the stack with an ARN, which it first waits for if an operation is in
// progress. A stack that is protected from deletion is an error.
func Destroy(ctx context.Context, api API, name, arn string, o Options) (Result, error) {
	d := &deployment{counted: &counted{api: api, budget: o.Budget}, options: o, goal: Goal{Name: name}}
	d.result.Started, d.result.StackID = time.Now(), arn
	err := d.destroy(ctx)
	d.result.Ended, d.result.Calls = time.Now(), int(d.calls.Load())
	if err == nil {
		d.result.Action, d.result.Status = Destroyed, string(types.StackStatusDeleteComplete)
		d.notify(Event{Phase: Finished, Text: string(Destroyed)})
	}
	return d.result, err
}

func (d *deployment) destroy(ctx context.Context) error {
	for range maxRecoveries {
		stack, err := d.describe(ctx, d.result.StackID)
		if err != nil || stack == nil || stack.StackStatus == types.StackStatusDeleteComplete {
			return err
		}
		d.result.Status = string(stack.StackStatus)
		switch {
		case aws.ToBool(stack.EnableTerminationProtection):
			return errs.Failedf("stack %q is to be destroyed, but it is protected from deletion", d.goal.Name).WithHint("disable its termination protection and run again")
		case isRunning(string(stack.StackStatus)):
			if err := d.attach(ctx, stack); err != nil {
				return err
			}
			continue
		}
		d.notify(Event{Phase: Clearing, Text: "no environment deploys it any more; deleting it"})
		d.result.Events, err = d.deleteStack(ctx, stack, "")
		return err
	}
	return errs.Temporaryf("stack %q did not become stable: another process keeps changing it", d.goal.Name)
}

// Standing is a stack as it is before somebody decides to delete it.
type Standing struct {
	ARN, Status string
	Protected   bool // from deletion
	Nested      bool
	Tags        map[string]string
}

// Look reads a stack by its ARN or name; nil is no stack, as one that was deleted is.
func Look(ctx context.Context, api API, stack string) (*Standing, error) {
	found, err := Find(ctx, api, stack)
	if err != nil || found == nil || found.StackStatus == types.StackStatusDeleteComplete {
		return nil, err
	}
	return &Standing{
		ARN: aws.ToString(found.StackId), Status: string(found.StackStatus), Protected: aws.ToBool(found.EnableTerminationProtection),
		Nested: found.ParentId != nil, Tags: tagsOf(*found),
	}, nil
}

// Contents returns the template of the stack with an ARN, and those of its nested stacks, as what is there
// before the stack is deleted with all that is in it.
func Contents(ctx context.Context, api Reader, name, id string) ([]Templates, error) {
	c := comparison{api: api, goal: Goal{Name: name}, nested: func(diff.Resource) []byte { return nil }}
	template, err := c.templateOf(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading the template of stack %q: %w", name, err)
	}
	err = c.add(ctx, id, Templates{Before: []byte(template)})
	return c.found, err
}
