package cfn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// changeSetName is the name of our change sets.
const changeSetName = "aphex-deploy"

// MaxInline is the largest template that CloudFormation accepts inline, in bytes.
const MaxInline = 50 * 1024

// changeSet returns a finished change set for the goal: that of a killed run with
// the same goal, or a new one. It deletes a change set for another goal first. It
// returns nil if nothing changes.
func (d *deployment) changeSet(ctx context.Context, stack *types.Stack, send []types.Parameter) (*cloudformation.DescribeChangeSetOutput, error) {
	if d.options.Only != nil {
		return d.planned(ctx)
	}
	old := ""
	if d.options.Discard {
		old = d.changeSetName // for a distinct token
	} else if stack != nil {
		left, err := d.leftover(ctx, stack)
		if err != nil {
			return nil, err
		}
		if left != nil && d.isReusable(left) {
			if set, err := d.again(ctx, stack, send); set != nil || err != nil {
				return set, err
			}
		}
		if left != nil {
			old = aws.ToString(left.ChangeSetId)
			if err := d.deleteChangeSet(ctx, *stack.StackId, old); err != nil {
				return nil, err
			}
		}
	}
	for range maxRaces {
		input, err := d.changeSetInput(ctx, stack, send, old)
		if err != nil {
			return nil, fmt.Errorf("creating the change set of stack %q: %w", d.goal.Name, err)
		}
		calling, done := ctx, context.CancelFunc(func() {})
		if d.options.Discard {
			calling, done = context.WithTimeout(context.WithoutCancel(ctx), callLimit)
		}
		d.requested, d.createdShell = true, d.createdShell || stack == nil
		made, err := call(calling, d.counted, d.api.CreateChangeSet, input)
		done()
		if err != nil {
			return nil, awsError(fmt.Sprintf("creating the change set of stack %q", d.goal.Name), err)
		}
		set, err := d.settle(ctx, aws.ToString(made.StackId), aws.ToString(made.Id))
		if !errors.Is(err, errGone) {
			return set, err
		}
		old = aws.ToString(made.Id) // the token belongs to a change set that was deleted; get another
	}
	return nil, errs.Temporaryf("another process keeps deleting the change sets of stack %q", d.goal.Name)
}

// errGone is the error for a change set that was deleted.
var errGone = errors.New("the change set is gone")

func isGone(err error) bool {
	var missing *types.ChangeSetNotFoundException
	return errors.As(err, &missing)
}

func (d *deployment) description() string { return "AphexPipeline " + d.result.Digest }

func (d *deployment) changeSetInput(ctx context.Context, stack *types.Stack, send []types.Parameter, old string) (*cloudformation.CreateChangeSetInput, error) {
	input := &cloudformation.CreateChangeSetInput{
		StackName: &d.goal.Name, ChangeSetName: &d.changeSetName, ChangeSetType: types.ChangeSetTypeCreate,
		Description: aws.String(d.description()), IncludeNestedStacks: aws.Bool(true),
		Capabilities: []types.Capability{types.CapabilityCapabilityIam, types.CapabilityCapabilityNamedIam, types.CapabilityCapabilityAutoExpand},
		// CloudFormation keeps what a call omits, and removes what it passes empty.
		Parameters: send, NotificationARNs: d.goal.NotificationARNs, RollbackConfiguration: d.goal.Alarms.configuration(), Tags: []types.Tag{},
		ClientToken: aws.String(token("create", d.options.Workflow, d.goal.Name, d.result.Digest, stateOf(stack), old)),
	}
	if isUpdate(stack) {
		input.ChangeSetType = types.ChangeSetTypeUpdate
		input.StackName = stack.StackId
	}
	if d.goal.ExecutionRole != "" {
		input.RoleARN = &d.goal.ExecutionRole
	}
	if d.goal.ImportExisting {
		input.ImportExistingResources = aws.Bool(true)
	}
	for _, key := range slices.Sorted(maps.Keys(d.goal.Tags)) {
		input.Tags = append(input.Tags, types.Tag{Key: aws.String(key), Value: aws.String(d.goal.Tags[key])})
	}
	return input, d.setTemplate(ctx, input)
}

// stateOf identifies the state of a stack, so that an idempotency token is valid
// for one change of one state only.
func stateOf(stack *types.Stack) string {
	if !isUpdate(stack) {
		return "new" // also with the empty stack of an earlier attempt
	}
	return fmt.Sprint(aws.ToString(stack.StackId), " ", stack.StackStatus, " ", aws.ToTime(stack.LastUpdatedTime).UnixNano())
}

// fromURL reports whether CloudFormation reads the template from the goal's URL; a
// discarded one is sent inline if possible.
func (d *deployment) fromURL() bool {
	return d.goal.TemplateURL != "" && !(d.options.Discard && len(d.goal.Template) <= MaxInline)
}

// checkTemplate checks that a change set has the template of the goal. CloudFormation
// reads it from a bucket: an object under its key may be another one, such as an asset
// that an earlier commit published there.
func (d *deployment) checkTemplate(ctx context.Context, set *cloudformation.DescribeChangeSetOutput) error {
	found, err := call(ctx, d.counted, d.api.GetTemplate, &cloudformation.GetTemplateInput{
		StackName: set.StackId, ChangeSetName: set.ChangeSetId, TemplateStage: types.TemplateStageOriginal,
	})
	if err != nil {
		return awsError(fmt.Sprintf("reading the template of the change set of stack %q", d.goal.Name), err)
	}
	if sameTemplate(asReturned(d.goal.Template), asReturned([]byte(aws.ToString(found.TemplateBody)))) {
		return nil
	}
	wrong := errs.Failedf("CloudFormation read another template for stack %q than the app's: %s has other content", d.goal.Name, d.goal.TemplateURL).
		WithHint("find out who published that object, delete it, and run again")
	return errors.Join(wrong, d.deleteChangeSet(ctx, aws.ToString(set.StackId), aws.ToString(set.ChangeSetId)))
}

// unreturned are the bytes that GetTemplate returns as question marks: those of
// characters that are not ASCII (cloudformation-coverage-roadmap#814).
var unreturned = regexp.MustCompile(`(?:[^\x00-\x7f]|\?)+`)

func asReturned(template []byte) []byte { return unreturned.ReplaceAll(template, []byte("?")) }

func (d *deployment) setTemplate(ctx context.Context, input *cloudformation.CreateChangeSetInput) error {
	url := d.goal.TemplateURL
	switch {
	case d.fromURL():
	case len(d.goal.Template) <= MaxInline:
		input.TemplateBody = aws.String(string(d.goal.Template))
		return nil
	case d.options.Upload == nil:
		return errs.Invalidf("the template of stack %q is %d KiB; a template of more than 50 KiB must be published first", d.goal.Name, len(d.goal.Template)/1024).
			WithHint("use the DefaultStackSynthesizer, which publishes templates")
	default:
		var err error
		if url, err = d.options.Upload(ctx, d.goal.Template); err != nil {
			return fmt.Errorf("publishing the template of stack %q: %w", d.goal.Name, err)
		}
		d.goal.TemplateURL = url // what CloudFormation reads there is compared
	}
	input.TemplateURL = &url
	return nil
}

// settle waits until the change set is created.
func (d *deployment) settle(ctx context.Context, stackID, id string) (*cloudformation.DescribeChangeSetOutput, error) {
	d.result.StackID = stackID
	for pace := newPace(); ; {
		if err := pace.wait(ctx, d.options.Budget); err != nil {
			return nil, fmt.Errorf("waiting for the change set of stack %q: %w", d.goal.Name, err)
		}
		found, err := d.describeChangeSet(ctx, stackID, id)
		switch {
		case isGone(err):
			return nil, errGone
		case errs.IsTemporary(err) && ctx.Err() == nil:
			continue
		case err != nil:
			return nil, fmt.Errorf("waiting for the change set of stack %q: %w", d.goal.Name, err)
		}
		switch found.Status {
		case types.ChangeSetStatusCreatePending, types.ChangeSetStatusCreateInProgress:
		case types.ChangeSetStatusCreateComplete:
			d.result.Changes = changesOf(found.Changes)
			return found, nil
		case types.ChangeSetStatusDeletePending, types.ChangeSetStatusDeleteInProgress, types.ChangeSetStatusDeleteComplete:
			return nil, errGone
		default:
			return nil, d.dropFailed(ctx, stackID, found)
		}
	}
}

// describeChangeSet reads a change set with all of its changes. Stack ID is optional if id is an ARN.
func (d *deployment) describeChangeSet(ctx context.Context, stackID, id string) (*cloudformation.DescribeChangeSetOutput, error) {
	input := &cloudformation.DescribeChangeSetInput{ChangeSetName: &id}
	if stackID != "" {
		input.StackName = &stackID
	}
	found, err := call(ctx, d.counted, d.api.DescribeChangeSet, input)
	if err != nil {
		return nil, err
	}
	for input.NextToken = found.NextToken; input.NextToken != nil; {
		page, err := call(ctx, d.counted, d.api.DescribeChangeSet, input)
		if err != nil {
			return nil, err
		}
		found.Changes = append(found.Changes, page.Changes...)
		input.NextToken = page.NextToken
	}
	return found, nil
}

// dropFailed deletes a change set that could not be created and returns the
// reason, or nil if there were no changes.
func (d *deployment) dropFailed(ctx context.Context, stackID string, failed *cloudformation.DescribeChangeSetOutput) error {
	reason := aws.ToString(failed.StatusReason)
	var refused error
	if !saysNoChanges(reason) {
		// The findings can be read only as long as the change set exists.
		refused = d.refusal(ctx, d.deepest(ctx, failed))
	}
	if err := d.deleteChangeSet(ctx, stackID, aws.ToString(failed.ChangeSetId)); err != nil {
		return err
	}
	return refused
}

var nestedChangeSet = regexp.MustCompile(`arn:[^\s:]+:cloudformation:[^\s]+:changeSet/[^\s,]+`)

// failedChangeSet is the change set with the reason of a failure: that of the
// stack or of a nested one.
type failedChangeSet struct {
	stackID, id, reason string
	nested              []string // logical ids, outermost first
}

// maxNested limits the depth of nested change sets.
const maxNested = 10

// deepest follows the reasons of failed change sets that only refer to a nested one.
func (d *deployment) deepest(ctx context.Context, set *cloudformation.DescribeChangeSetOutput) failedChangeSet {
	at := failedChangeSet{stackID: aws.ToString(set.StackId), id: aws.ToString(set.ChangeSetId), reason: errs.OneLine(aws.ToString(set.StatusReason))}
	for range maxNested {
		id := nestedChangeSet.FindString(at.reason)
		if id == "" {
			break
		}
		nested, err := d.describeChangeSet(ctx, "", id)
		if err != nil || aws.ToString(nested.StatusReason) == "" {
			break
		}
		logicalID := "nested stack"
		for _, change := range set.Changes {
			if r := change.ResourceChange; r != nil && aws.ToString(r.ChangeSetId) == id {
				logicalID = aws.ToString(r.LogicalResourceId)
			}
		}
		set = nested
		at = failedChangeSet{aws.ToString(nested.StackId), id, errs.OneLine(aws.ToString(nested.StatusReason)), append(at.nested, logicalID)}
	}
	return at
}

// deleteLimit is how long the creation of a leftover change set may still take.
// CloudFormation does not delete it meanwhile (InvalidChangeSetStatus).
const deleteLimit = 5 * time.Minute

func (d *deployment) deleteChangeSet(ctx context.Context, stackID, id string) error {
	until := time.Now().Add(deleteLimit)
	for pace := newPace(); ; {
		_, err := call(ctx, d.counted, d.api.DeleteChangeSet, &cloudformation.DeleteChangeSetInput{StackName: &stackID, ChangeSetName: &id})
		if err == nil {
			break
		}
		var status *types.InvalidChangeSetStatusException
		if !errors.As(err, &status) || time.Now().After(until) {
			return fmt.Errorf("deleting a change set of stack %q: %w", d.goal.Name, err)
		}
		if err := pace.wait(ctx, d.options.Budget); err != nil {
			return err
		}
	}
	for pace := newPace(); ; {
		found, err := call(ctx, d.counted, d.api.DescribeChangeSet, &cloudformation.DescribeChangeSetInput{StackName: &stackID, ChangeSetName: &id})
		if isGone(err) || err == nil && found.Status == types.ChangeSetStatusDeleteComplete {
			return nil
		}
		if err != nil && !errs.IsTemporary(err) {
			return fmt.Errorf("waiting until a change set of stack %q is deleted: %w", d.goal.Name, err)
		}
		if err := pace.wait(ctx, d.options.Budget); err != nil {
			return err
		}
	}
}

func changesOf(raw []types.Change) (changes []Change) {
	for _, change := range raw {
		if r := change.ResourceChange; r != nil {
			changes = append(changes, Change{
				Action: string(r.Action), LogicalID: aws.ToString(r.LogicalResourceId), Type: aws.ToString(r.ResourceType), Replacement: string(r.Replacement),
				Because: recreating(r.Details), physicalID: aws.ToString(r.PhysicalResourceId), changeSet: aws.ToString(r.ChangeSetId),
			})
		}
	}
	return changes
}

// recreating returns the properties of a change that replace the resource, or may.
func recreating(details []types.ResourceChangeDetail) (properties []string) {
	for _, detail := range details {
		if target := detail.Target; target != nil && target.Name != nil && target.RequiresRecreation != "" && target.RequiresRecreation != types.RequiresRecreationNever {
			properties = append(properties, *target.Name)
		}
	}
	slices.Sort(properties)
	return slices.Compact(properties)
}

func orUnknown(reason string) string {
	if reason == "" {
		return "CloudFormation gave no reason"
	}
	return reason
}
