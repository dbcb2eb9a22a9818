package cfn

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Reader is the part of CloudFormation that a comparison uses: nothing of it changes a
// stack.
type Reader interface {
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
	GetTemplate(context.Context, *cloudformation.GetTemplateInput, ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error)
	DescribeStackResource(context.Context, *cloudformation.DescribeStackResourceInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStackResourceOutput, error)
}

// Limits of nested stacks that are compared. CloudFormation allows no deeper ones that
// anybody has; the templates come from the app, and may name themselves.
const (
	deepestNested = 8
	mostNested    = 500
)

const (
	templateURL       = "TemplateURL"
	parametersChanged = "its parameters changed"
)

// comparison is the comparison of one stack.
type comparison struct {
	api    Reader
	goal   Goal
	nested func(diff.Resource) []byte
	found  []Templates
}

// Compare compares a stack with its goal by their templates. It only reads, also of a stack
// that is in no state to be changed. nested returns the new template of a nested stack, or
// nil if it is not known; then the nested stack is one resource of the stack around it, and
// Unknown if it is new or gets another template.
// What only CloudFormation can know, such as the value of a parameter of SSM, is not seen:
// a stack whose templates are equal is unchanged, with the reason why it may not be.
func Compare(ctx context.Context, api Reader, goal Goal, o Options, nested func(diff.Resource) []byte) (Prepared, error) {
	sum := sha256.Sum256(goal.Template)
	p := Prepared{Result: Result{Digest: digest(goal)}, TemplateDigest: "sha256:" + hex.EncodeToString(sum[:])}
	answer, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &goal.Name})
	stack, err := found(answer, err, goal.Name)
	if err != nil {
		return p, err
	}
	d := &deployment{goal: goal, options: o, before: stack}
	exists := !d.isNew()
	c := comparison{api: api, goal: goal, nested: nested}
	before := ""
	if exists {
		if err := d.checkReserved(stack); err != nil {
			return p, err
		}
		p.Status, p.StackID = string(stack.StackStatus), aws.ToString(stack.StackId)
		if before, err = c.templateOf(ctx, p.StackID); err != nil {
			return p, fmt.Errorf("reading the template of stack %q: %w", goal.Name, err)
		}
	}
	if p.Outlook, p.Reason, err = d.prospect(before); err != nil {
		return p, err
	}
	if protected := exists && aws.ToBool(stack.EnableTerminationProtection); protected != goal.TerminationProtection && !isEmpty(goal.Template) {
		p.Protect = &goal.TerminationProtection
	}
	if p.Outlook == Keep {
		return p, nil
	}
	if p.Outlook == Recreate {
		before, p.StackID = "", ""
	}
	err = c.add(ctx, p.StackID, Templates{Before: []byte(before), After: goal.Template})
	p.Templates = c.found
	return p, err
}

// prospect returns what a deployment would do with the stack, and why.
func (d *deployment) prospect(template string) (Outlook, string, error) {
	if isEmpty(d.goal.Template) {
		return Keep, "", d.skipEmpty(isUpdate(d.before))
	}
	if err := CheckParameters(d.goal, d.before); err != nil {
		return "", "", err
	}
	if d.isNew() {
		return Create, "it does not exist yet", nil
	}
	switch startOf(string(d.before.StackStatus)) {
	case startBroken:
		return "", "", d.brokenError(d.before)
	case startDelete:
		return Recreate, "", nil
	case startRollback, startContinue:
		return RollBack, "", nil
	case startNew, startUpdate, startWait:
	}
	p, err := planParameters(d.goal, previousValues(*d.before))
	if err != nil {
		return "", "", err
	}
	reason, err := mustChange(d.goal, p, *d.before, func() (string, error) { return template, nil })
	if reason == readsSSM && givenChange(d.goal.Parameters, d.before.Parameters) {
		reason = parametersChanged
	}
	unknown := slices.Contains([]string{readsSSM, readsOutputs, isTransformed}, reason)
	if err == nil && (reason == "" || unknown && sameTemplate(d.goal.Template, []byte(template))) {
		return Keep, reason, nil
	}
	return Update, reason, err
}

// givenChange reports whether a parameter that is given differs from that of the stack; of one
// that comes from SSM, this is its name there.
func givenChange(given map[string]string, before []types.Parameter) bool {
	return slices.ContainsFunc(before, func(p types.Parameter) bool {
		value, is := given[aws.ToString(p.ParameterKey)]
		return is && value != aws.ToString(p.ParameterValue)
	})
}

func (c *comparison) templateOf(ctx context.Context, stack string) (string, error) {
	answer, err := c.api.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &stack, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return "", err
	}
	return aws.ToString(answer.TemplateBody), nil
}

// add adds the templates of a stack, and of its nested stacks that differ.
func (c *comparison) add(ctx context.Context, stack string, own Templates) error {
	if len(c.found) >= mostNested || len(own.Nested) > deepestNested {
		return errs.Invalidf("stack %q has more than %d nested stacks, or more than %d within each other", c.goal.Name, mostNested, deepestNested)
	}
	c.found = append(c.found, own)
	before, err := diff.Parse(own.Before)
	if err != nil {
		return fmt.Errorf("the deployed template of stack %q: %w", c.goal.Name, err)
	}
	after, err := diff.Parse(own.After)
	if err != nil {
		return fmt.Errorf("the new template of stack %q: %w", c.goal.Name, err)
	}
	all := maps.Clone(after.Resources)
	if all == nil {
		all = map[string]diff.Resource{}
	}
	maps.Copy(all, before.Resources)
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if err := c.addNested(ctx, stack, id, before.Resources[id], after.Resources[id], own); err != nil {
			return err
		}
	}
	return nil
}

// addNested adds a resource of a stack if it is a nested stack.
func (c *comparison) addNested(ctx context.Context, stack, id string, old, now diff.Resource, around Templates) error {
	inner, physical := Templates{Nested: append(slices.Clone(around.Nested), id)}, ""
	if now.Type == stackType {
		if inner.After = c.nested(now); inner.After == nil {
			if old.Type != stackType || old.Text(templateURL) != now.Text(templateURL) {
				c.found = append(c.found, Templates{Nested: inner.Nested, Unknown: true})
			}
			return nil
		}
	}
	if old.Type == stackType {
		if now.Type == "" && old.OnRemoval() == diff.Retained {
			return nil // it stays with all that is in it
		}
		answer, err := c.api.DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{StackName: &stack, LogicalResourceId: &id})
		if err != nil && !isMissing(err) {
			return fmt.Errorf("reading the nested stack %s of stack %q: %w", id, c.goal.Name, err)
		}
		if err == nil && answer.StackResourceDetail != nil {
			physical = aws.ToString(answer.StackResourceDetail.PhysicalResourceId)
		}
	}
	if physical != "" {
		template, err := c.templateOf(ctx, physical)
		if err != nil && !isMissing(err) {
			return fmt.Errorf("reading the template of the nested stack %s of stack %q: %w", id, c.goal.Name, err)
		}
		inner.Before = []byte(template)
	}
	if bytes.Equal(inner.Before, inner.After) || len(inner.Before) > 0 && len(inner.After) > 0 && sameTemplate(inner.After, inner.Before) {
		return nil
	}
	return c.add(ctx, physical, inner)
}
