package cfn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// Outlook is what a deployment would do with a stack.
type Outlook string

const (
	// Create makes a stack that is not there.
	Create Outlook = "create"
	// Update changes a stack.
	Update Outlook = "update"
	// Leave does nothing: the stack is as it should be.
	Leave Outlook = "unchanged"
	// Recreate deletes what is left of a failed creation, then creates the stack.
	Recreate Outlook = "recreate"
	// RollBack ends an interrupted operation, then updates the stack.
	RollBack Outlook = "roll back"
)

// Prepared is a stack with the change set that a deployment would execute.
// Recreate and RollBack have none, nor has a change of termination protection alone.
type Prepared struct {
	Result         // its Status is that before the deployment, "" of a new stack
	Outlook        Outlook
	TemplateDigest string // "sha256:<hex>" of the template
	Protect        *bool  // what termination protection would become; nil leaves it
	Templates      []Templates
	Left           error // why something that was to be discarded is still there
}

// Templates is what is there and what is to be of a stack, or of one nested in it.
type Templates struct {
	Nested []string // logical ids that lead to the nested stack; none is the stack itself
	Before []byte   // JSON or YAML; empty for a stack that is not there
	After  []byte   // empty for a nested stack that goes
	// Changes are those of this stack, without those of stacks nested in it.
	Changes []Change
}

// notPlannable says that a stack must be cleared before a change set can be made.
type notPlannable struct {
	outlook Outlook
	status  string
}

func (*notPlannable) Error() string { return "no change set can be made before that is cleared up" }

// Prepare makes the change set that Deploy would execute, and executes nothing.
// A stack that is not there is one in REVIEW_IN_PROGRESS afterwards, as that
// holds the change set; it is removed again if the change set cannot be made.
// With Discard nothing is left in any case, also when ctx ends: the change set
// has a name of its own, and is deleted when its changes have been read.
func Prepare(ctx context.Context, api API, goal Goal, o Options) (Prepared, error) {
	o.PlanOnly = true
	d := &deployment{counted: &counted{api: api}, options: o, goal: goal}
	d.result.Started, d.result.Digest = time.Now(), digest(goal)
	sum := sha256.Sum256(goal.Template)
	p := Prepared{TemplateDigest: "sha256:" + hex.EncodeToString(sum[:])}
	err := d.run(ctx)
	var blocked *notPlannable
	if errors.As(err, &blocked) {
		p.Outlook, d.result.Status, err = blocked.outlook, blocked.status, nil
	} else if err == nil {
		p.Outlook = d.outlook()
	} else if !o.Discard {
		d.dropShell(ctx)
	}
	if err == nil && p.Outlook != Leave {
		p.Templates, err = d.templates(ctx)
	}
	if o.Discard {
		p.Left = d.discard(ctx)
	}
	if before := d.before != nil && aws.ToBool(d.before.EnableTerminationProtection); err == nil && before != goal.TerminationProtection {
		p.Protect = &goal.TerminationProtection
	}
	d.result.Ended, d.result.Calls = time.Now(), int(d.calls.Load())
	p.Result = d.result
	return p, err
}

func (d *deployment) outlook() Outlook {
	switch {
	case d.isNew():
		return Create
	case d.result.ChangeSet == "" && d.goal.TerminationProtection == aws.ToBool(d.before.EnableTerminationProtection):
		return Leave
	}
	return Update
}

func (d *deployment) isNew() bool {
	return d.before == nil || startOf(string(d.before.StackStatus)) == startNew
}

// dropShell removes the empty stack that a change set was to be made for.
func (d *deployment) dropShell(ctx context.Context) {
	if d.before != nil || d.result.StackID == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	stack, err := d.describe(ctx, d.result.StackID)
	if err != nil || stack == nil || stack.StackStatus != types.StackStatusReviewInProgress {
		return
	}
	// A shell that stays does no harm: the next deployment takes it.
	_, _ = call(ctx, d.counted, d.api.DeleteStack, &cloudformation.DeleteStackInput{StackName: stack.StackId})
}

// templates reads what the stack and those nested in it have and will have.
func (d *deployment) templates(ctx context.Context) ([]Templates, error) {
	own := Templates{After: d.goal.Template, Changes: d.result.Changes}
	if !d.isNew() && startOf(string(d.before.StackStatus)) != startDelete {
		before, err := d.templateOf(ctx, d.before)()
		if err != nil {
			return nil, fmt.Errorf("reading the template of stack %q: %w", d.goal.Name, err)
		}
		own.Before = []byte(before)
	}
	all := []Templates{own}
	return all, d.addNested(ctx, &all, own)
}

func (d *deployment) addNested(ctx context.Context, all *[]Templates, around Templates) error {
	for _, change := range around.Changes {
		if change.Type != stackType {
			continue
		}
		nested := Templates{Nested: append(append([]string{}, around.Nested...), change.LogicalID)}
		if err := d.readNested(ctx, change, &nested); err != nil {
			return fmt.Errorf("reading the change set of the nested stack %s of stack %q: %w", change.LogicalID, d.goal.Name, err)
		}
		*all = append(*all, nested)
		if err := d.addNested(ctx, all, nested); err != nil {
			return err
		}
	}
	return nil
}

func (d *deployment) readNested(ctx context.Context, change Change, nested *Templates) error {
	if change.physicalID != "" && change.Action != string(types.ChangeActionAdd) {
		found, err := call(ctx, d.counted, d.api.GetTemplate, &cloudformation.GetTemplateInput{
			StackName: &change.physicalID, TemplateStage: types.TemplateStageOriginal,
		})
		if err != nil {
			return err
		}
		nested.Before = []byte(aws.ToString(found.TemplateBody))
	}
	if change.changeSet == "" {
		return nil
	}
	found, err := call(ctx, d.counted, d.api.GetTemplate, &cloudformation.GetTemplateInput{
		ChangeSetName: &change.changeSet, TemplateStage: types.TemplateStageOriginal,
	})
	if err != nil {
		return err
	}
	nested.After = []byte(aws.ToString(found.TemplateBody))
	set, err := d.describeChangeSet(ctx, "", change.changeSet)
	if err != nil {
		return err
	}
	nested.Changes = changesOf(set.Changes)
	return nil
}

// absent are the words with which CloudFormation says that something is not
// there which an earlier stack may be going to make.
var absent = regexp.MustCompile(`No export named \S+ found|Unable to fetch parameters \[[^\]]*\] from parameter store|Stack with id \S+ does not exist|output \S+ not found in stack \S+`)

// Lacks gives what a change set could not be made without: an export, an SSM
// parameter or an output that is not there; "" if it failed for another reason.
func Lacks(err error) string {
	if err == nil {
		return ""
	}
	return absent.FindString(err.Error())
}
