package cfn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/smithy-go"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// API is the part of CloudFormation that a deployment uses; *cloudformation.Client implements it.
type API interface {
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
	GetTemplate(context.Context, *cloudformation.GetTemplateInput, ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error)
	CreateChangeSet(context.Context, *cloudformation.CreateChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.CreateChangeSetOutput, error)
	DescribeChangeSet(context.Context, *cloudformation.DescribeChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeChangeSetOutput, error)
	DeleteChangeSet(context.Context, *cloudformation.DeleteChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.DeleteChangeSetOutput, error)
	ExecuteChangeSet(context.Context, *cloudformation.ExecuteChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.ExecuteChangeSetOutput, error)
	DescribeStackEvents(context.Context, *cloudformation.DescribeStackEventsInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStackEventsOutput, error)
	DescribeEvents(context.Context, *cloudformation.DescribeEventsInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeEventsOutput, error)
	ListChangeSets(context.Context, *cloudformation.ListChangeSetsInput, ...func(*cloudformation.Options)) (*cloudformation.ListChangeSetsOutput, error)
	ListStacks(context.Context, *cloudformation.ListStacksInput, ...func(*cloudformation.Options)) (*cloudformation.ListStacksOutput, error)
	ListHookResults(context.Context, *cloudformation.ListHookResultsInput, ...func(*cloudformation.Options)) (*cloudformation.ListHookResultsOutput, error)
	GetHookResult(context.Context, *cloudformation.GetHookResultInput, ...func(*cloudformation.Options)) (*cloudformation.GetHookResultOutput, error)
	DeleteStack(context.Context, *cloudformation.DeleteStackInput, ...func(*cloudformation.Options)) (*cloudformation.DeleteStackOutput, error)
	UpdateTerminationProtection(context.Context, *cloudformation.UpdateTerminationProtectionInput, ...func(*cloudformation.Options)) (*cloudformation.UpdateTerminationProtectionOutput, error)
	RollbackStack(context.Context, *cloudformation.RollbackStackInput, ...func(*cloudformation.Options)) (*cloudformation.RollbackStackOutput, error)
	ContinueUpdateRollback(context.Context, *cloudformation.ContinueUpdateRollbackInput, ...func(*cloudformation.Options)) (*cloudformation.ContinueUpdateRollbackOutput, error)
}

// NewClient returns a client for one account and region.
func NewClient(cfg aws.Config) *cloudformation.Client { return cloudformation.NewFromConfig(cfg) }

// counted counts the API calls of one deployment, and keeps them within the budget.
type counted struct {
	api    API
	budget *Budget
	calls  atomic.Int64
}

// call makes one call and counts it.
func call[I, O any](ctx context.Context, c *counted, do func(context.Context, *I, ...func(*cloudformation.Options)) (*O, error), in *I, tune ...func(*cloudformation.Options)) (*O, error) {
	c.calls.Add(1)
	if c.budget != nil {
		tune = append([]func(*cloudformation.Options){c.budget.attempts}, tune...)
	}
	return do(ctx, in, tune...)
}

// isMissing reports whether a call failed because the stack does not exist.
func isMissing(err error) bool {
	return errs.Code(err) == "ValidationError" && strings.Contains(err.Error(), "does not exist")
}

// isBusy reports whether a call failed because of a concurrent operation or a
// change set that was created or deleted concurrently. A retry helps.
func isBusy(err error) bool {
	return errors.Is(err, errGone) || errs.Code(err) == "OperationInProgressException" || errs.Code(err) == "AlreadyExistsException" ||
		errs.Code(err) == "ValidationError" && strings.Contains(err.Error(), "_IN_PROGRESS state")
}

// awsError wraps an error with the message of AWS, without the SDK's details of
// the call, and with a hint.
func awsError(doing string, err error) error {
	var api smithy.APIError
	var typed *errs.Error
	if !errors.As(err, &api) || errors.As(err, &typed) || errs.IsTemporary(err) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	refused := &errs.Error{Kind: errs.KindOf(err), Message: fmt.Sprintf("%s: %s: %s", doing, api.ErrorCode(), errs.OneLine(api.ErrorMessage())), Err: err}
	return refused.WithHint("%s", hintFor(api.ErrorMessage()))
}
