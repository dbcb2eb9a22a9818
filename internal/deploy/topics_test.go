package deploy

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/account"
	"github.com/aphex/aphex-pipeline/internal/assembly"
	"github.com/aphex/aphex-pipeline/internal/config"
)

func TestTopicsThatAreSaidToBeNoneAreNotTopicsOfWhichNothingIsSaid(t *testing.T) {
	for name, c := range map[string]struct{ stack, configured, flags, want []string }{
		"nothing is said":            {nil, nil, nil, nil},
		"the stack has none":         {[]string{}, nil, nil, []string{}},
		"the configuration has none": {nil, []string{}, nil, nil},
		"the stack has one":          {[]string{"arn:${AWS::Partition}:sns:${AWS::Region}:1:s"}, nil, nil, []string{"arn:aws:sns:eu-west-1:1:s"}},
		"flags come first":           {[]string{"s"}, []string{"c"}, []string{"f"}, []string{"f", "c", "s"}},
	} {
		j := &job{
			Request: Request{Environment: config.Environment{NotificationARNs: c.configured}, Values: Values{NotificationARNs: c.flags}},
			entry:   &account.Entry{Partition: "aws"},
		}
		got := j.topics(target{region: "eu-west-1", stack: assembly.Stack{NotificationARNs: c.stack}})
		assert.Equal(t, c.want, got, name) // nil is not equal to empty
	}
}
