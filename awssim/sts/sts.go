// Package sts is the simulator's STS: it opens sessions of the roles in the
// directory of package iam.
package sts

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/aphex/aphex-pipeline/awssim/iam"
	"github.com/aphex/aphex-pipeline/awssim/policy"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

const (
	minSession = 15 * time.Minute
	maxChained = time.Hour
	maxPolicy  = 2048 // characters of a session policy
)

// Tokens is the token service over a directory.
type Tokens struct{ Directory *iam.Directory }

// Service returns the service.
func (t Tokens) Service() wire.Service {
	return wire.Service{Name: "sts", Protocol: wire.Query, Namespace: "https://sts.amazonaws.com/doc/2011-06-15/", Operations: map[string]wire.Handler{
		"GetCallerIdentity":         wire.Plain(t.getCallerIdentity),
		"AssumeRole":                wire.Plain(t.assumeRole, "DurationSeconds", "ExternalId", "Policy", "RoleArn", "RoleSessionName", "Tags.Key", "Tags.Value", "TransitiveTagKeys"),
		"AssumeRoleWithWebIdentity": wire.Plain(t.assumeRoleWithWebIdentity, "DurationSeconds", "Policy", "RoleArn", "RoleSessionName", "WebIdentityToken"),
	}}
}

type callerIdentity struct {
	UserID  string `xml:"UserId"`
	Account string
	ARN     string `xml:"Arn"`
}

// getCallerIdentity needs no permission.
func (t Tokens) getCallerIdentity(call *wire.Call) (any, error) {
	return callerIdentity{UserID: call.Caller.UserID, Account: call.Caller.Account, ARN: call.Caller.ARN}, nil
}

type assumedRole struct {
	Credentials     credentials
	AssumedRoleUser assumedRoleUser
	Subject         string `xml:"SubjectFromWebIdentityToken,omitempty"`
	Audience        string `xml:",omitempty"`
	Provider        string `xml:",omitempty"`
}

type credentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

type assumedRoleUser struct {
	ID  string `xml:"AssumedRoleId"`
	ARN string `xml:"Arn"`
}

func (t Tokens) assumeRole(call *wire.Call) (any, error) {
	request, err := readAssume(call)
	if err != nil {
		return nil, err
	}
	role, err := t.trusting(call, request)
	if err != nil {
		return nil, err
	}
	length, err := request.duration(role, call.Temporary)
	if err != nil {
		return nil, err
	}
	return t.open(role, request, length)
}

// trusting gives the role if the caller may assume it. A role that does not
// exist is denied in the same words, as AWS does.
func (t Tokens) trusting(call *wire.Call, request assumeRequest) (iam.Role, error) {
	role, account, err := t.Directory.RoleOf(request.role)
	if err != nil {
		return iam.Role{}, wire.Commonf(wire.AccessDenied, "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", call.Caller.ARN, request.role)
	}
	trust, err := policy.Parse(role.Trust)
	if err != nil {
		return iam.Role{}, err
	}
	actions := []string{"sts:AssumeRole"}
	if len(request.tags) > 0 {
		actions = append(actions, "sts:TagSession")
	}
	for _, action := range actions {
		err := call.Guard(policy.Question{
			Action: action, Resource: role.ARN, Account: account, Keys: request.keys(), ResourcePolicy: trust, Trust: true,
		})
		if err != nil {
			return iam.Role{}, err
		}
	}
	return role, nil
}

// assumeRequest is the input of AssumeRole.
type assumeRequest struct {
	role       string
	session    string
	externalID string
	seconds    int
	tags       map[string]string
	lasting    []string
	policies   []string
}

var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

func readAssume(call *wire.Call) (assumeRequest, error) {
	form := call.Form
	request := assumeRequest{
		role: form.Get("RoleArn"), session: form.Get("RoleSessionName"), externalID: form.Get("ExternalId"),
		tags: map[string]string{}, lasting: wire.List(form, "TransitiveTagKeys"),
	}
	if !arn.IsARN(request.role) {
		return request, wire.Commonf(wire.ValidationFailed, "%s is invalid", request.role)
	}
	if !sessionName.MatchString(request.session) {
		return request, wire.Commonf(wire.ValidationFailed, "1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*", request.session)
	}
	if text := form.Get("DurationSeconds"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil {
			return request, wire.Commonf(wire.ValidationFailed, "DurationSeconds %q is no number", text)
		}
		request.seconds = seconds
	}
	maps.Copy(request.tags, wire.Tags(form, "Tags"))
	return request, request.readPolicies(call)
}

func (a *assumeRequest) readPolicies(call *wire.Call) error {
	if text := call.Form.Get("Policy"); text != "" {
		if utf8.RuneCountInString(text) > maxPolicy {
			return wire.Commonf(wire.ValidationFailed, "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to %d", maxPolicy)
		}
		if err := iam.CheckIdentityPolicy(text); err != nil {
			return err
		}
		a.policies = append(a.policies, text)
	}
	return nil
}

func (a assumeRequest) keys() policy.Keys {
	keys := policy.Keys{"sts:RoleSessionName": {a.session}}
	if a.externalID != "" {
		keys["sts:ExternalId"] = []string{a.externalID}
	}
	for name, value := range a.tags {
		keys["aws:RequestTag/"+name] = []string{value}
	}
	keys["aws:TagKeys"] = slices.Sorted(maps.Keys(a.tags))
	keys["sts:TransitiveTagKeys"] = a.lasting
	return keys
}

// duration is how long the session lasts: an hour unless asked otherwise, and
// never more than an hour for a role assumed by a role.
func (a assumeRequest) duration(role iam.Role, chained bool) (time.Duration, error) {
	wanted := time.Duration(a.seconds) * time.Second
	switch {
	case a.seconds == 0:
		return time.Hour, nil
	case wanted < minSession:
		return 0, wire.Commonf(wire.ValidationFailed, "1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900", a.seconds)
	case chained && wanted > maxChained:
		return 0, wire.Commonf(wire.ValidationFailed, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	case a.seconds > role.MaxSession:
		return 0, wire.Commonf(wire.ValidationFailed, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return wanted, nil
}

// open makes a session of the role.
func (t Tokens) open(role iam.Role, request assumeRequest, length time.Duration) (assumedRole, error) {
	s, err := t.Directory.OpenSession(role, iam.NewSession{Name: request.session, Tags: request.tags, Policies: request.policies, Length: length})
	if err != nil {
		return assumedRole{}, err
	}
	return assumedRole{
		Credentials: credentials{
			AccessKeyID: s.AccessKey, SecretAccessKey: s.Secret, SessionToken: s.Token, Expiration: s.Expires.Format(time.RFC3339),
		},
		AssumedRoleUser: assumedRoleUser{ID: s.ID, ARN: s.ARN},
	}, nil
}
