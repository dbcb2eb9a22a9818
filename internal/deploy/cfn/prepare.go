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
	// Create creates a new stack.
	Create Outlook = "create"
	// Update changes a stack.
	Update Outlook = "update"
	// Keep does nothing, as the stack is unchanged.
	Keep Outlook = "unchanged"
	// Recreate deletes the remains of a failed creation, then creates the stack.
	Recreate Outlook = "recreate"
	// RollBack rolls an interrupted stack back, then updates it.
	RollBack Outlook = "roll back"
)

// Prepared is a stack with the change set that a deployment would execute.
// Recreate, RollBack and a change of termination protection alone have none.
type Prepared struct {
	Result         // its Status is that before the deployment, "" for a new stack
	Outlook        Outlook
	TemplateDigest string // "sha256:<hex>" of the template
	Protect        *bool  // new termination protection; nil if unchanged
	Templates      []Templates
	DiscardErr     error // why something could not be discarded
}

// Templates is the deployed and the new template of a stack or nested stack.
type Templates struct {
	Nested []string // logical ids of the nested stack, outermost first; none is the stack itself
	Before []byte   // JSON or YAML; empty for a new stack
	After  []byte   // empty for a nested stack that is removed
	// Unknown is set for a nested stack whose new template is not known. It has no others then.
	Unknown bool
	// Changes are those of this stack, without those of its nested stacks.
	Changes []Change
}

// notPlannable is the error for a stack that must be cleared before a change set can be created.
type notPlannable struct {
	outlook Outlook
	status  string
}

func (*notPlannable) Error() string { return "no change set can be created in this state" }

// Prepare creates the change set that Deploy would execute, and executes nothing.
// A new stack is in REVIEW_IN_PROGRESS afterwards, as it holds the change set; it
// is deleted if the change set cannot be created. With Discard, the change set has
// a unique name and is deleted once its changes are read, with the new stack, even
// if ctx ends.
func Prepare(ctx context.Context, api API, goal Goal, o Options) (Prepared, error) {
	o.PlanOnly = true
	d := &deployment{counted: &counted{api: api, budget: o.Budget}, options: o, goal: goal}
	d.result.Started, d.result.Digest = time.Now(), digest(goal)
	p := Prepared{TemplateDigest: templateDigest(goal)}
	err := d.run(ctx)
	var blocked *notPlannable
	if errors.As(err, &blocked) {
		p.Outlook, d.result.Status, err = blocked.outlook, blocked.status, nil
	} else if err == nil {
		p.Outlook = d.outlook()
	} else if !o.Discard {
		d.dropShell(ctx)
	}
	if err == nil && p.Outlook != Keep {
		p.Templates, err = d.templates(ctx)
	}
	if o.Discard {
		p.DiscardErr = d.discard(ctx)
	}
	if err == nil {
		p.Protect = d.protection()
	}
	d.result.Ended, d.result.Calls = time.Now(), int(d.calls.Load())
	p.Result = d.result
	return p, err
}

func templateDigest(goal Goal) string {
	sum := sha256.Sum256(goal.Template)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// protection returns the new termination protection; nil if it stays.
func (d *deployment) protection() *bool {
	if before := d.before != nil && aws.ToBool(d.before.EnableTerminationProtection); before == d.goal.TerminationProtection {
		return nil
	}
	return &d.goal.TerminationProtection
}

// permit checks whether a change set may be executed.
func (d *deployment) permit(ctx context.Context, stack *types.Stack, set *cloudformation.DescribeChangeSetOutput) error {
	if err := d.checkReplacement(stack, set); err != nil {
		return err
	}
	if d.options.Permit == nil || d.options.PlanOnly {
		return nil
	}
	id := aws.ToString(set.ChangeSetId)
	return d.options.Permit(ctx, id, func(ctx context.Context) (p Prepared, err error) {
		p = Prepared{Result: d.result, Outlook: Update, TemplateDigest: templateDigest(d.goal), Protect: d.protection()}
		if p.ChangeSet = id; d.isNew() {
			p.Outlook = Create
		}
		p.Templates, err = d.templates(ctx)
		return p, err
	})
}

func (d *deployment) outlook() Outlook {
	switch {
	case d.isNew():
		return Create
	case d.result.ChangeSet == "" && d.goal.TerminationProtection == aws.ToBool(d.before.EnableTerminationProtection):
		return Keep
	}
	return Update
}

func (d *deployment) isNew() bool {
	return d.before == nil || startOf(string(d.before.StackStatus)) == startNew
}

// dropShell deletes the empty stack of a change set that could not be created.
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
	// A remaining empty stack is harmless: the next deployment uses it.
	_, _ = call(ctx, d.counted, d.api.DeleteStack, &cloudformation.DeleteStackInput{StackName: stack.StackId})
}

// templates reads the deployed and the new templates of the stack and its nested stacks.
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

// absent matches CloudFormation's errors for something missing that an earlier
// stack may create.
var absent = regexp.MustCompile(`No export named \S+ found|Unable to fetch parameters \[[^\]]*\] from parameter store|Stack with id \S+ does not exist|output \S+ not found in stack \S+`)

// Missing returns what was missing to create a change set: an export, an SSM
// parameter or an output; "" if it failed for another reason.
func Missing(err error) string {
	if err == nil {
		return ""
	}
	return absent.FindString(err.Error())
}
