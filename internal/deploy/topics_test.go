package deploy

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
)

func TestAStackIsWatchedByTheAlarmsOfItsRegion(t *testing.T) {
	const ireland, virginia = "arn:aws:cloudwatch:eu-west-1:111111111111:alarm:errors", "arn:aws:cloudwatch:us-east-1:111111111111:alarm:errors"
	for name, c := range map[string]struct {
		given []string
		want  *cfn.Alarms
	}{
		"nothing is said":         {nil, nil},
		"none are wanted":         {[]string{}, &cfn.Alarms{}},
		"some are of the region":  {[]string{virginia, ireland}, &cfn.Alarms{ARNs: []string{ireland}, Minutes: 5}},
		"others are of elsewhere": {[]string{virginia}, &cfn.Alarms{}},
	} {
		j := &job{Request: Request{RollbackAlarms: c.given, Monitoring: 5}}
		assert.Equal(t, c.want, j.alarms(target{region: "eu-west-1"}), name)
	}
}

func TestEmptyNotificationARNsDifferFromUnsetOnes(t *testing.T) {
	for name, c := range map[string]struct{ stack, given, want []string }{
		"nothing is said":      {nil, nil, nil},
		"the stack has none":   {[]string{}, nil, []string{}},
		"the stack has one":    {[]string{"arn:${AWS::Partition}:sns:${AWS::Region}:1:s"}, nil, []string{"arn:aws:sns:eu-west-1:1:s"}},
		"given ones are first": {[]string{"s"}, []string{"f"}, []string{"f", "s"}},
	} {
		j := &job{Request: Request{NotificationARNs: c.given}, access: &awsauth.Access{Partition: "aws"}}
		got := j.topics(target{region: "eu-west-1", stack: assembly.Stack{NotificationARNs: c.stack}})
		assert.Equal(t, c.want, got, name) // nil is not equal to empty
	}
}
