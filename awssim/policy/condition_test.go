package policy_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/awssim/policy"
)

// holds reports whether a condition lets an otherwise allowed call pass.
func holds(t *testing.T, condition string, keys policy.Keys) bool {
	t.Helper()
	document := parse(t, fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":%s}}`, condition))
	return policy.Decide(session, policy.Rights{Grants: []*policy.Document{document}}, policy.Question{Action: "a:b", Resource: "*", Keys: keys}) == nil
}

func TestConditions(t *testing.T) {
	for _, c := range []struct {
		condition string
		values    []string // of the key k
		holds     bool
	}{
		{`{"StringEquals":{"k":"a"}}`, []string{"a"}, true},
		{`{"StringEquals":{"k":["b","a"]}}`, []string{"a"}, true},
		{`{"StringEquals":{"k":"A"}}`, []string{"a"}, false},
		{`{"StringEquals":{"k":"a"}}`, nil, false},
		{`{"StringEqualsIfExists":{"k":"a"}}`, nil, true},
		{`{"StringEqualsIgnoreCase":{"k":"A"}}`, []string{"a"}, true},
		{`{"StringNotEquals":{"k":"a"}}`, []string{"a"}, false},
		{`{"StringNotEquals":{"k":["a","b"]}}`, []string{"b"}, false},
		{`{"StringNotEquals":{"k":"a"}}`, []string{"b"}, true},
		{`{"StringNotEquals":{"k":"a"}}`, nil, true},
		{`{"StringLike":{"k":"arn:*:role/x-??"}}`, []string{"arn:aws:role/x-12"}, true},
		{`{"StringLike":{"k":"arn:*:role/x-??"}}`, []string{"arn:aws:role/x-123"}, false},
		{`{"StringNotLike":{"k":"x*"}}`, []string{"xyz"}, false},
		{`{"ArnLike":{"k":"arn:aws:iam::*:role/*"}}`, []string{"arn:aws:iam::111111111111:role/a/b"}, true},
		{`{"ArnLike":{"k":"arn:aws:*:role/*"}}`, []string{"arn:aws:iam::111111111111:role/a"}, false},
		{`{"Bool":{"k":true}}`, []string{"true"}, true},
		{`{"Bool":{"k":"false"}}`, []string{"true"}, false},
		{`{"Null":{"k":"true"}}`, nil, true},
		{`{"Null":{"k":"false"}}`, nil, false},
		{`{"Null":{"k":"false"}}`, []string{"x"}, true},
		{`{"NumericLessThanEquals":{"k":900}}`, []string{"900"}, true},
		{`{"NumericGreaterThan":{"k":"900"}}`, []string{"900"}, false},
		{`{"NumericEquals":{"k":"1"}}`, []string{"one"}, false},
		{`{"DateLessThan":{"k":"2026-01-01T00:00:00Z"}}`, []string{"2025-12-31T23:59:59Z"}, true},
		{`{"DateGreaterThan":{"k":"2026-01-01T00:00:00Z"}}`, []string{"2025-12-31T23:59:59Z"}, false},
		{`{"IpAddress":{"k":"10.0.0.0/8"}}`, []string{"10.1.2.3"}, true},
		{`{"NotIpAddress":{"k":"10.0.0.0/8"}}`, []string{"10.1.2.3"}, false},
		{`{"IpAddress":{"k":"10.1.2.3"}}`, []string{"10.1.2.3"}, true},
		{`{"ForAllValues:StringEquals":{"k":["a","b"]}}`, []string{"a", "b"}, true},
		{`{"ForAllValues:StringEquals":{"k":["a","b"]}}`, []string{"a", "c"}, false},
		{`{"ForAllValues:StringEquals":{"k":"a"}}`, nil, true},
		{`{"ForAnyValue:StringEquals":{"k":"a"}}`, []string{"b", "a"}, true},
		{`{"ForAnyValue:StringEquals":{"k":"a"}}`, []string{"b", "c"}, false},
		{`{"ForAnyValue:StringEquals":{"k":"a"}}`, nil, false},
		{`{"StringEquals":{"k":"${other}"}}`, []string{"o"}, true},
		{`{"StringEquals":{"k":"${missing, 'd'}"}}`, []string{"d"}, true},
		{`{"StringEquals":{"k":"a"},"Bool":{"z":"true"}}`, []string{"a"}, false},
	} {
		t.Run(fmt.Sprint(c.condition, c.values), func(t *testing.T) {
			keys := policy.Keys{"other": {"o"}}
			if c.values != nil {
				keys["K"] = c.values
			}
			assert.Equal(t, c.holds, holds(t, c.condition, keys))
		})
	}
}

func TestLikeIsFastOnManyStars(t *testing.T) {
	text := fmt.Sprintf("%0*d", 5000, 0)
	assert.False(t, policy.Like(text, "*0*0*0*0*0*0*0*0*0*0*1"))
}
