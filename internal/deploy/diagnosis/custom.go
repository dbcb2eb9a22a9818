package diagnosis

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

const (
	// before and after are how far the log of a function is read around its step.
	before = time.Minute
	after  = time.Minute
	// maxLines limits the lines of one log.
	maxLines = 20
	// maxPages limits the pages of one log; the newest lines are on the last page.
	maxPages = 5
)

// isCustom reports whether a type is that of a custom resource.
func isCustom(kind string) bool {
	return strings.HasPrefix(kind, "Custom::") || kind == "AWS::CloudFormation::CustomResource"
}

// What a function, its account and its region are called.
var (
	functionName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,140}$`)
	digits       = regexp.MustCompile(`^[0-9]{12}$`)
	regionName   = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
)

// stream matches the log stream that cfn-response names in a reason.
var stream = regexp.MustCompile(`CloudWatch Log Stream: ([^\s()]+)`)

// customResource returns the last lines that the function of a custom resource has logged
// during the step.
func (e Eyes) customResource(ctx context.Context, s Subject) Finding {
	var properties struct{ ServiceToken string }
	_ = json.Unmarshal([]byte(s.Properties), &properties) // without properties there is no function
	token, err := arn.Parse(properties.ServiceToken)
	name, isFunction := strings.CutPrefix(token.Resource, "function:")
	name, _, _ = strings.Cut(name, ":") // without an alias
	if err != nil || !isFunction || !functionName.MatchString(name) || !digits.MatchString(token.AccountID) || !regionName.MatchString(token.Region) {
		return Finding{} // the app chose the text, and nothing has checked it
	}
	if own, err := arn.Parse(e.Identity); err == nil && own.AccountID != token.AccountID {
		return Finding{Source: "log of function " + name, Lines: []string{"it is in account " + token.AccountID + ", whose logs are not read from here"}}
	}
	group := "/aws/lambda/" + name
	log := functionLog{
		mask: e.masked, api: e.Logs(token.Region), group: group, from: s.Began.Add(-before), to: s.Failed.Add(after),
	}
	if named := stream.FindStringSubmatch(s.Reason); named != nil {
		log.stream = named[1]
	}
	lines, err := log.read(ctx)
	if len(lines) == 0 && (err == nil || isMissing(err)) {
		if log.group = e.configuredGroup(ctx, token.Region, name, group); log.group != group {
			lines, err = log.read(ctx)
		}
	}
	found := Finding{Source: "log of function " + name, Lines: lines}
	if log.group != group {
		found.Source += " (" + log.group + ")"
	}
	switch {
	case isMissing(err):
		found.Lines = []string{"it has no log group " + log.group}
	case err != nil:
		found.Lines = []string{e.unseen("what the function logged", "logs:FilterLogEvents", err)}
	case len(lines) == 0:
		found.Lines = []string{"the function logged nothing at that time"}
	}
	return found
}

// configuredGroup returns the log group of a function, or the given one if that is unknown.
func (e Eyes) configuredGroup(ctx context.Context, region, function, otherwise string) string {
	got, err := e.Lambda(region).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function})
	if err != nil || got.LoggingConfig == nil || aws.ToString(got.LoggingConfig.LogGroup) == "" {
		return otherwise
	}
	return *got.LoggingConfig.LogGroup
}

// functionLog is a part of a log.
type functionLog struct {
	api      LogsAPI
	mask     func(string) string
	group    string
	stream   string // empty is all
	from, to time.Time
}

// platform matches the lines that Lambda itself writes.
var platform = regexp.MustCompile(`^(START|END|REPORT|INIT_START) (RequestId|Runtime)`)

// read returns the last lines, without those of Lambda itself.
func (l functionLog) read(ctx context.Context) (lines []string, err error) {
	input := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &l.group, StartTime: aws.Int64(l.from.UnixMilli()), EndTime: aws.Int64(l.to.UnixMilli())}
	if l.stream != "" {
		input.LogStreamNames = []string{l.stream}
	}
	for range maxPages {
		page, err := l.api.FilterLogEvents(ctx, input)
		if err != nil && l.stream != "" && isMissing(err) {
			l.stream = "" // the group may have others
			return l.read(ctx)
		}
		if err != nil {
			return lines, err
		}
		for _, event := range page.Events {
			for line := range strings.Lines(l.mask(aws.ToString(event.Message))) {
				if line = shortened(line); line != "" && !platform.MatchString(line) {
					lines = append(lines, line)
				}
			}
		}
		lines = lines[max(len(lines)-maxLines, 0):]
		if input.NextToken = page.NextToken; input.NextToken == nil {
			break
		}
	}
	return lines, nil
}
