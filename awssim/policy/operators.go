package policy

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// operator compares one value of the request with one of the policy.
type operator struct {
	fits    func(actual, want string) bool
	negated bool
}

var operators = map[string]operator{
	"StringEquals":              {fits: same},
	"StringNotEquals":           {fits: same, negated: true},
	"StringEqualsIgnoreCase":    {fits: strings.EqualFold},
	"StringNotEqualsIgnoreCase": {fits: strings.EqualFold, negated: true},
	"StringLike":                {fits: Like},
	"StringNotLike":             {fits: Like, negated: true},
	"ArnEquals":                 {fits: arnLike},
	"ArnLike":                   {fits: arnLike},
	"ArnNotEquals":              {fits: arnLike, negated: true},
	"ArnNotLike":                {fits: arnLike, negated: true},
	"Bool":                      {fits: strings.EqualFold},
	"BinaryEquals":              {fits: same},
	"NumericEquals":             {fits: number(func(c int) bool { return c == 0 })},
	"NumericNotEquals":          {fits: number(func(c int) bool { return c == 0 }), negated: true},
	"NumericLessThan":           {fits: number(func(c int) bool { return c < 0 })},
	"NumericLessThanEquals":     {fits: number(func(c int) bool { return c <= 0 })},
	"NumericGreaterThan":        {fits: number(func(c int) bool { return c > 0 })},
	"NumericGreaterThanEquals":  {fits: number(func(c int) bool { return c >= 0 })},
	"DateEquals":                {fits: date(func(c int) bool { return c == 0 })},
	"DateNotEquals":             {fits: date(func(c int) bool { return c == 0 }), negated: true},
	"DateLessThan":              {fits: date(func(c int) bool { return c < 0 })},
	"DateLessThanEquals":        {fits: date(func(c int) bool { return c <= 0 })},
	"DateGreaterThan":           {fits: date(func(c int) bool { return c > 0 })},
	"DateGreaterThanEquals":     {fits: date(func(c int) bool { return c >= 0 })},
	"IpAddress":                 {fits: inNetwork},
	"NotIpAddress":              {fits: inNetwork, negated: true},
}

func same(actual, want string) bool { return actual == want }

// Like reports whether text fits a pattern in which * stands for any text and ?
// for one character.
func Like(text, pattern string) bool {
	t, p, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark, p = p, t, p+1
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			t, p = t+1, p+1
		case star >= 0:
			mark++
			t, p = mark, star+1
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// arnLike compares the six parts of an ARN one by one, so that a * does not
// reach over a colon of the first five.
func arnLike(actual, want string) bool {
	a, actualErr := arn.Parse(actual)
	w, wantErr := arn.Parse(want)
	if actualErr != nil || wantErr != nil {
		return want == "*"
	}
	return Like(a.Partition, w.Partition) && Like(a.Service, w.Service) && Like(a.Region, w.Region) && Like(a.AccountID, w.AccountID) && Like(a.Resource, w.Resource)
}

func number(holds func(comparison int) bool) func(actual, want string) bool {
	return func(actual, want string) bool {
		a, errA := strconv.ParseFloat(actual, 64)
		w, errW := strconv.ParseFloat(want, 64)
		if errA != nil || errW != nil {
			return false
		}
		switch {
		case a < w:
			return holds(-1)
		case a > w:
			return holds(1)
		}
		return holds(0)
	}
}

func date(holds func(comparison int) bool) func(actual, want string) bool {
	return func(actual, want string) bool {
		a, errA := time.Parse(time.RFC3339, actual)
		w, errW := time.Parse(time.RFC3339, want)
		return errA == nil && errW == nil && holds(a.Compare(w))
	}
}

func inNetwork(actual, want string) bool {
	address, err := netip.ParseAddr(actual)
	if err != nil {
		return false
	}
	if network, err := netip.ParsePrefix(want); err == nil {
		return network.Contains(address)
	}
	single, err := netip.ParseAddr(want)
	return err == nil && single == address
}
