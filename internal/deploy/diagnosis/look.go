package diagnosis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Subject is a resource that failed.
type Subject struct {
	LogicalID  string
	Type       string
	PhysicalID string
	Reason     string
	Properties string    // JSON; may be empty
	Began      time.Time // when its step began
	Failed     time.Time
}

// Finding is what one look has found.
type Finding struct {
	Source string   `json:"source"` // such as "log of function Migrate"
	Lines  []string `json:"lines"`
}

// Limit bounds all looks together.
const Limit = 5 * time.Second

// maxSubjects limits the resources that are looked behind.
const maxSubjects = 3

// Eyes are the clients of one account and region.
type Eyes struct {
	Identity string              // ARN of the credentials, for messages
	Mask     func(string) string // hides secrets; nil hides none
	Logs     func(region string) LogsAPI
	Lambda   func(region string) LambdaAPI
	ECS      ECSAPI
}

// LogsAPI is the part of CloudWatch Logs that is read.
type LogsAPI interface {
	FilterLogEvents(context.Context, *cloudwatchlogs.FilterLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error)
}

// LambdaAPI is the part of Lambda that is read.
type LambdaAPI interface {
	GetFunctionConfiguration(context.Context, *lambda.GetFunctionConfigurationInput, ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error)
}

// ECSAPI is the part of ECS that is read.
type ECSAPI interface {
	ListTasks(context.Context, *ecs.ListTasksInput, ...func(*ecs.Options)) (*ecs.ListTasksOutput, error)
	DescribeTasks(context.Context, *ecs.DescribeTasksInput, ...func(*ecs.Options)) (*ecs.DescribeTasksOutput, error)
}

// Open returns the clients for a configuration.
func Open(cfg aws.Config, identity string, mask func(string) string) Eyes {
	in := func(region string) aws.Config {
		there := cfg.Copy()
		if region != "" {
			there.Region = region
		}
		return there
	}
	return Eyes{
		Identity: identity, Mask: mask,
		Logs:   func(region string) LogsAPI { return cloudwatchlogs.NewFromConfig(in(region)) },
		Lambda: func(region string) LambdaAPI { return lambda.NewFromConfig(in(region)) },
		ECS:    ecs.NewFromConfig(cfg),
	}
}

// Look returns what is behind the failures of resources, the first cause first, within Limit.
// What cannot be seen is left out with one line that says which permission would show it.
func (e Eyes) Look(ctx context.Context, subjects []Subject) []Finding {
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	subjects = subjects[:min(len(subjects), maxSubjects)]
	found := make([][]Finding, len(subjects))
	var looks sync.WaitGroup
	for i, s := range subjects {
		looks.Go(func() { found[i] = e.behind(ctx, s) })
	}
	looks.Wait()
	return slices.Concat(found...)
}

func (e Eyes) behind(ctx context.Context, s Subject) (found []Finding) {
	if denial, is := ParseDenial(s.Reason); is {
		found = append(found, Finding{Source: "denied call of " + s.LogicalID, Lines: denial.Lines()})
	}
	var finding Finding
	switch {
	case isCustom(s.Type):
		finding = e.customResource(ctx, s)
	case s.Type == "AWS::ECS::Service":
		finding = e.stoppedTasks(ctx, s)
	}
	if finding.Lines != nil {
		found = append(found, finding)
	}
	return found
}

// masked hides secrets in a text, before anything is cut off.
func (e Eyes) masked(text string) string {
	if e.Mask == nil {
		return text
	}
	return e.Mask(text)
}

// unseen returns the line for what could not be seen.
func (e Eyes) unseen(what, permission string, err error) string {
	switch {
	case isDenied(err):
		return fmt.Sprintf("%s would stand here, but %s lacks %s", what, e.Identity, permission)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("%s could not be read in %s", what, Limit)
	}
	return fmt.Sprintf("%s cannot be read: %s", what, errs.OneLine(err.Error()))
}

func isDenied(err error) bool {
	return slices.Contains([]string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}, errs.Code(err))
}

func isMissing(err error) bool { return errs.Code(err) == "ResourceNotFoundException" }

// shortened returns a line of at most 300 characters.
func shortened(text string) string {
	const most = 300
	line := []rune(errs.OneLine(text))
	if len(line) <= most {
		return string(line)
	}
	return string(line[:most]) + "…"
}
