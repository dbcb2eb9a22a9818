package cfn_test

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

type options = func(*cloudformation.Options)

// fake is a CloudFormation with one stack. What is to happen later is on its
// agenda and happens when somebody looks, so that it works in virtual time.
type fake struct {
	findings []types.OperationEvent // what early validation and hooks have found

	hooks []types.HookResultSummary
	rules map[string][]types.Annotation // by invocation of a hook

	mu       sync.Mutex
	stack    *types.Stack
	template string
	object   string                        // what CloudFormation reads at a URL
	events   map[string][]types.StackEvent // by stack ARN, oldest first
	sets     map[string]*cloudformation.DescribeChangeSetOutput
	agenda   []appointment
	fails    map[string][]error // errors that the next calls of an operation give
	calls    []string
	serial   int
	lag      time.Duration // how old what one reads of the stack is

	created  []*cloudformation.CreateChangeSetInput
	tokens   map[string]string // of the calls that created change sets: their ARNs
	executed []*cloudformation.ExecuteChangeSetInput

	prepare func(*cloudformation.DescribeChangeSetOutput) // settles a new change set
	execute func()                                        // puts an execution on the agenda
	remove  func()                                        // puts a deletion on the agenda
	undo    func()                                        // puts a rollback on the agenda
}

type appointment struct {
	at time.Time
	do func()
}

const arn = "arn:aws:cloudformation:eu-west-1:111111111111:stack/Shop/1"

func newFake() *fake {
	f := &fake{object: string(goal.Template), tokens: map[string]string{}, events: map[string][]types.StackEvent{}, sets: map[string]*cloudformation.DescribeChangeSetOutput{}, fails: map[string][]error{}}
	f.prepare = func(set *cloudformation.DescribeChangeSetOutput) {
		set.Status, set.ExecutionStatus = types.ChangeSetStatusCreateComplete, types.ExecutionStatusAvailable
		set.Changes = []types.Change{{ResourceChange: &types.ResourceChange{Action: types.ChangeActionAdd, LogicalResourceId: aws.String("Orders"), ResourceType: aws.String("AWS::SQS::Queue")}}}
	}
	f.execute = func() { f.operation("CREATE", 3*time.Second) }
	f.remove = func() {
		f.status("DELETE_IN_PROGRESS", "")
		f.later(2*time.Second, func() { f.status("DELETE_COMPLETE", ""); f.stack = nil })
	}
	return f
}

// deployed puts a stack there.
func (f *fake) deployed(status, template string) *fake {
	f.stack = &types.Stack{StackId: aws.String(arn), StackName: aws.String("Shop"), StackStatus: types.StackStatus(status), CreationTime: aws.Time(time.Now())}
	f.template = template
	f.status(status, "")
	return f
}

// operation creates or updates one queue.
func (f *fake) operation(verb string, takes time.Duration) {
	f.status(verb+"_IN_PROGRESS", "")
	f.event(arn, "Orders", "AWS::SQS::Queue", verb+"_IN_PROGRESS", "")
	f.later(takes, func() {
		f.event(arn, "Orders", "AWS::SQS::Queue", verb+"_COMPLETE", "")
		f.status(verb+"_COMPLETE", "")
		f.stack.Outputs = []types.Output{{OutputKey: aws.String("Url"), OutputValue: aws.String("https://shop")}}
	})
}

func (f *fake) later(after time.Duration, do func()) {
	f.agenda = append(f.agenda, appointment{time.Now().Add(after), do})
	sort.SliceStable(f.agenda, func(i, j int) bool { return f.agenda[i].at.Before(f.agenda[j].at) })
}

func (f *fake) status(status, reason string) {
	f.stack.StackStatus = types.StackStatus(status)
	f.event(arn, "Shop", "AWS::CloudFormation::Stack", status, reason)
	f.events[arn][len(f.events[arn])-1].PhysicalResourceId = aws.String(arn)
}

func (f *fake) event(stack, id, kind, status, reason string) {
	f.serial++
	f.events[stack] = append(f.events[stack], types.StackEvent{
		EventId: aws.String(fmt.Sprint(f.serial)), StackId: aws.String(stack), LogicalResourceId: aws.String(id), ResourceType: aws.String(kind),
		ResourceStatus: types.ResourceStatus(status), ResourceStatusReason: aws.String(reason), Timestamp: aws.Time(time.Now()),
	})
}

// begin counts a call, lets happen what is due, and gives the scripted error.
func (f *fake) begin(operation string) error {
	f.calls = append(f.calls, operation)
	for len(f.agenda) > 0 && !f.agenda[0].at.After(time.Now()) {
		next := f.agenda[0]
		f.agenda = f.agenda[1:]
		next.do()
	}
	if scripted := f.fails[operation]; len(scripted) > 0 {
		f.fails[operation] = scripted[1:]
		return scripted[0]
	}
	return nil
}

func apiError(code, message string) error {
	return &smithy.GenericAPIError{Code: code, Message: message}
}

func (f *fake) DescribeStacks(_ context.Context, in *cloudformation.DescribeStacksInput, _ ...options) (*cloudformation.DescribeStacksOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("DescribeStacks"); err != nil {
		return nil, err
	}
	if f.stack == nil {
		return nil, apiError("ValidationError", "Stack with id "+*in.StackName+" does not exist")
	}
	return &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{*f.stack}}, nil
}

func (f *fake) GetTemplate(_ context.Context, in *cloudformation.GetTemplateInput, _ ...options) (*cloudformation.GetTemplateOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if in.ChangeSetName != nil {
		return &cloudformation.GetTemplateOutput{TemplateBody: &f.object}, f.begin("GetTemplate")
	}
	return &cloudformation.GetTemplateOutput{TemplateBody: &f.template}, f.begin("GetTemplate")
}

func (f *fake) CreateChangeSet(_ context.Context, in *cloudformation.CreateChangeSetInput, _ ...options) (*cloudformation.CreateChangeSetOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("CreateChangeSet"); err != nil {
		return nil, err
	}
	if there := f.sets[*in.ChangeSetName]; there != nil && there.Status != types.ChangeSetStatusDeleteComplete {
		if f.tokens[*in.ClientToken] != *there.ChangeSetId {
			return nil, &types.AlreadyExistsException{Message: aws.String("ChangeSet already exists")}
		}
		return &cloudformation.CreateChangeSetOutput{Id: there.ChangeSetId, StackId: there.StackId}, nil
	}
	f.created = append(f.created, in)
	if f.stack == nil {
		f.deployed("REVIEW_IN_PROGRESS", "")
	}
	id := fmt.Sprintf("arn:aws:cloudformation:eu-west-1:111111111111:changeSet/%s/%d", *in.ChangeSetName, len(f.created))
	set := &cloudformation.DescribeChangeSetOutput{
		ChangeSetId: &id, ChangeSetName: in.ChangeSetName, StackId: f.stack.StackId, Description: in.Description, CreationTime: aws.Time(time.Now()),
		Status: types.ChangeSetStatusCreateInProgress, ExecutionStatus: types.ExecutionStatusUnavailable,
	}
	f.sets[*in.ChangeSetName], f.tokens[*in.ClientToken] = set, id
	f.later(time.Second, func() { f.prepare(set) })
	return &cloudformation.CreateChangeSetOutput{Id: &id, StackId: f.stack.StackId}, nil
}

func (f *fake) find(name string) (*cloudformation.DescribeChangeSetOutput, error) {
	for _, set := range f.sets {
		if *set.ChangeSetName == name || *set.ChangeSetId == name {
			return set, nil
		}
	}
	return nil, &types.ChangeSetNotFoundException{Message: aws.String("ChangeSet [" + name + "] does not exist")}
}

func (f *fake) DescribeChangeSet(_ context.Context, in *cloudformation.DescribeChangeSetInput, _ ...options) (*cloudformation.DescribeChangeSetOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("DescribeChangeSet"); err != nil {
		return nil, err
	}
	set, err := f.find(*in.ChangeSetName)
	if err != nil {
		return nil, err
	}
	answer := *set
	return &answer, nil
}

func (f *fake) DeleteChangeSet(_ context.Context, in *cloudformation.DeleteChangeSetInput, _ ...options) (*cloudformation.DeleteChangeSetOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if set, err := f.find(*in.ChangeSetName); err == nil {
		delete(f.sets, *set.ChangeSetName)
	}
	return &cloudformation.DeleteChangeSetOutput{}, f.begin("DeleteChangeSet")
}

func (f *fake) ExecuteChangeSet(_ context.Context, in *cloudformation.ExecuteChangeSetInput, _ ...options) (*cloudformation.ExecuteChangeSetOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.executed = append(f.executed, in)
	if len(f.executed) == 1 {
		f.execute()
	}
	return &cloudformation.ExecuteChangeSetOutput{}, f.begin("ExecuteChangeSet")
}

func (f *fake) DescribeEvents(_ context.Context, in *cloudformation.DescribeEventsInput, _ ...options) (*cloudformation.DescribeEventsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("DescribeEvents"); err != nil {
		return nil, err
	}
	return &cloudformation.DescribeEventsOutput{OperationEvents: f.findings}, nil
}

func (f *fake) ListHookResults(context.Context, *cloudformation.ListHookResultsInput, ...options) (*cloudformation.ListHookResultsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &cloudformation.ListHookResultsOutput{HookResults: f.hooks}, f.begin("ListHookResults")
}

func (f *fake) ListChangeSets(context.Context, *cloudformation.ListChangeSetsInput, ...options) (*cloudformation.ListChangeSetsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := &cloudformation.ListChangeSetsOutput{}
	for _, set := range f.sets {
		out.Summaries = append(out.Summaries, types.ChangeSetSummary{ChangeSetId: set.ChangeSetId, Status: set.Status, StatusReason: set.StatusReason, CreationTime: set.CreationTime})
	}
	return out, f.begin("ListChangeSets")
}

func (f *fake) ListStacks(context.Context, *cloudformation.ListStacksInput, ...options) (*cloudformation.ListStacksOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &cloudformation.ListStacksOutput{}, f.begin("ListStacks")
}

func (f *fake) GetHookResult(_ context.Context, in *cloudformation.GetHookResultInput, _ ...options) (*cloudformation.GetHookResultOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &cloudformation.GetHookResultOutput{Annotations: f.rules[*in.HookResultId]}, f.begin("GetHookResult")
}

// DescribeStackEvents gives pages of three, newest first.
func (f *fake) DescribeStackEvents(_ context.Context, in *cloudformation.DescribeStackEventsInput, _ ...options) (*cloudformation.DescribeStackEventsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("DescribeStackEvents"); err != nil {
		return nil, err
	}
	events := slices.Clone(f.events[*in.StackName])
	events = slices.DeleteFunc(events, func(e types.StackEvent) bool { return time.Since(*e.Timestamp) < f.lag })
	slices.Reverse(events)
	from := 0
	_, _ = fmt.Sscan(aws.ToString(in.NextToken), &from)
	page := &cloudformation.DescribeStackEventsOutput{StackEvents: events[from:min(from+3, len(events))]}
	if from+3 < len(events) {
		page.NextToken = aws.String(fmt.Sprint(from + 3))
	}
	return page, nil
}

func (f *fake) DeleteStack(context.Context, *cloudformation.DeleteStackInput, ...options) (*cloudformation.DeleteStackOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remove()
	return &cloudformation.DeleteStackOutput{}, f.begin("DeleteStack")
}

func (f *fake) UpdateTerminationProtection(_ context.Context, in *cloudformation.UpdateTerminationProtectionInput, _ ...options) (*cloudformation.UpdateTerminationProtectionOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stack.EnableTerminationProtection = in.EnableTerminationProtection
	return &cloudformation.UpdateTerminationProtectionOutput{}, f.begin("UpdateTerminationProtection")
}

func (f *fake) RollbackStack(_ context.Context, in *cloudformation.RollbackStackInput, _ ...options) (*cloudformation.RollbackStackOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.undo()
	return &cloudformation.RollbackStackOutput{}, f.begin(fmt.Sprintf("RollbackStack retain=%t", aws.ToBool(in.RetainExceptOnCreate)))
}

func (f *fake) ContinueUpdateRollback(context.Context, *cloudformation.ContinueUpdateRollbackInput, ...options) (*cloudformation.ContinueUpdateRollbackOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.undo()
	return &cloudformation.ContinueUpdateRollbackOutput{}, f.begin("ContinueUpdateRollback")
}

// mutations are the calls that change something, in order.
func (f *fake) mutations() string {
	return strings.Join(slices.DeleteFunc(slices.Clone(f.calls), func(call string) bool {
		return strings.HasPrefix(call, "Describe") || strings.HasPrefix(call, "Get") || strings.HasPrefix(call, "List")
	}), " ")
}
