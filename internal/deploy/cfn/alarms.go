package cfn

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// Alarms are those of CloudWatch that roll an operation of a stack back.
type Alarms struct {
	ARNs    []string
	Minutes int // for which they are watched once all resources are deployed
}

// configuration returns what sets these alarms, and removes all others of the stack.
func (a *Alarms) configuration() *types.RollbackConfiguration {
	if a == nil {
		return nil
	}
	set := &types.RollbackConfiguration{MonitoringTimeInMinutes: aws.Int32(int32(a.Minutes)), RollbackTriggers: []types.RollbackTrigger{}}
	for _, arn := range a.ARNs {
		set.RollbackTriggers = append(set.RollbackTriggers, types.RollbackTrigger{Arn: aws.String(arn), Type: aws.String("AWS::CloudWatch::Alarm")})
	}
	return set
}

// are reports whether a stack has these alarms and no others.
func (a *Alarms) are(of *types.RollbackConfiguration) bool {
	if of == nil {
		of = &types.RollbackConfiguration{}
	}
	var arns []string
	for _, trigger := range of.RollbackTriggers {
		arns = append(arns, aws.ToString(trigger.Arn))
	}
	return sameElements(a.ARNs, arns) && a.Minutes == int(aws.ToInt32(of.MonitoringTimeInMinutes))
}

// watching completes what is said of an execution.
func (a *Alarms) watching() string {
	if a == nil || len(a.ARNs) == 0 {
		return ""
	}
	text := ", watched by " + plural(len(a.ARNs), "alarm")
	if a.Minutes > 0 {
		text += " until " + plural(a.Minutes, "minute") + " afterwards"
	}
	return text
}

func plural(count int, noun string) string {
	if count == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", count, noun)
}

// alarmARN matches the ARN of an alarm in a reason of CloudFormation.
var alarmARN = regexp.MustCompile(`arn:[^\s:]+:cloudwatch:[^\s:]+:[0-9]{12}:alarm:([^\],]+)`)

// alarmState matches a reason that says that an alarm is on.
var alarmState = regexp.MustCompile(`\bALARM\b`)

// alarmsIn names the alarms that are on by a reason: "alarm errors", "alarms errors, latency";
// "" if none is.
func alarmsIn(reason string) string {
	var names []string
	if !alarmState.MatchString(reason) {
		return ""
	}
	for _, found := range alarmARN.FindAllStringSubmatch(reason, -1) {
		if name := strings.TrimSpace(found[1]); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return "alarm " + names[0]
	}
	return "alarms " + strings.Join(names, ", ")
}
