package deploy

import (
	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// checkTopics rejects invalid notification ARNs before anything is deployed:
// CloudFormation itself fails only at the stack's first event.
func (j *job) checkTopics(targets []target) error {
	for _, t := range targets {
		for _, topic := range j.topics(t) {
			if !config.IsTopicARN(topic) {
				return errs.Invalidf("stack %s: notification ARN %s is not a valid ARN of an SNS topic", t.name, topic).
					WithHint("it has the form arn:aws:sns:eu-west-1:111111111111:name")
			}
		}
	}
	return nil
}

// topics returns the notification ARNs of a stack with all placeholders replaced.
// Nil keeps those that the deployed stack has.
func (j *job) topics(t target) []string {
	if t.stack.NotificationARNs == nil && j.NotificationARNs == nil {
		return nil
	}
	topics := append([]string{}, j.NotificationARNs...) // not nil where there are none
	for _, topic := range t.stack.NotificationARNs {
		topics = append(topics, j.here(t.region).Resolve(topic))
	}
	return topics
}

// alarms returns the alarms of the environment that are in the region of a stack, as
// CloudFormation watches no others. Nil keeps those that the deployed stack has.
func (j *job) alarms(t target) *cfn.Alarms {
	if j.RollbackAlarms == nil {
		return nil
	}
	alarms := &cfn.Alarms{}
	for _, text := range j.RollbackAlarms {
		if alarm, err := arn.Parse(text); err == nil && alarm.Region == t.region {
			alarms.ARNs, alarms.Minutes = append(alarms.ARNs, text), j.Monitoring
		}
	}
	return alarms
}
