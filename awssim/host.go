package awssim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/policy"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// host implements the host of the CloudFormation engine.
type host struct{ s *Server }

const formationService = "cloudformation.amazonaws.com"

// Now returns the simulator's time.
func (h host) Now() time.Time { return h.s.clock.Now() }

// Sleep waits in simulated time.
func (h host) Sleep(ctx context.Context, d time.Duration) error { return h.s.clock.Sleep(ctx, d) }

// Parameter reads an SSM parameter.
func (h host) Parameter(scope cloudformation.Scope, name string) (value, typ string, err error) {
	p, err := h.s.parameters.Get(wire.Place(scope.Account, scope.Region), name)
	return p.Value, p.Type, messageOnly(err)
}

// Secret reads a secret's text, or one member of it.
func (h host) Secret(scope cloudformation.Scope, id, jsonKey string) (string, error) {
	secret, err := h.s.secrets.Get(wire.Place(scope.Account, scope.Region), id)
	if err != nil {
		return "", messageOnly(err)
	}
	if jsonKey == "" {
		return secret.Current.Text, nil
	}
	members := map[string]any{}
	if err := json.Unmarshal([]byte(secret.Current.Text), &members); err != nil {
		return "", messagef("Could not parse SecretString JSON of %s", id)
	}
	value, ok := members[jsonKey]
	if !ok {
		return "", messagef("Could not find a value associated with JSONKey in SecretString of %s", id)
	}
	return fmt.Sprint(value), nil
}

// Template reads the object of a TemplateURL with the caller's permissions.
func (h host) Template(_ context.Context, scope cloudformation.Scope, caller, address string) ([]byte, error) {
	bucket, key, version, err := h.s.objectOf(address)
	if err != nil {
		return nil, err
	}
	text, err := h.s.objects.Read(h.guard(scope, caller), bucket, key, version)
	if err != nil {
		return nil, messagef("S3 error: %s (reading %s)", messageOnly(err), address)
	}
	return text, nil
}

// guard decides with the permissions of an ARN.
func (h host) guard(scope cloudformation.Scope, caller string) func(policy.Question) error {
	v := &visit{call: &wire.Call{Region: scope.Region, Caller: h.s.identity.Caller(caller)}}
	return h.s.guard(v)
}

// CheckRole checks that CloudFormation can use a role: the caller may pass it,
// and it trusts CloudFormation.
func (h host) CheckRole(scope cloudformation.Scope, caller, roleARN string) error {
	pass := policy.Question{
		Action: "iam:PassRole", Resource: roleARN, Keys: policy.Keys{"iam:PassedToService": {formationService}},
	}
	if err := h.guard(scope, caller)(pass); err != nil {
		return messageOnly(err)
	}
	role, account, err := h.s.identity.RoleOf(roleARN)
	if err != nil || account != scope.Account {
		return messagef("Role %s is invalid or cannot be assumed", roleARN)
	}
	trust, err := policy.Parse(role.Trust)
	if err != nil {
		return err
	}
	assume := policy.Question{Action: "sts:AssumeRole", Resource: roleARN, ResourcePolicy: trust, Trust: true}
	if h.s.identity.Decide(policy.Caller{Service: formationService}, assume) != nil {
		return messagef("Role %s is invalid or cannot be assumed", roleARN)
	}
	return nil
}

// CheckRead checks the permissions of a reader of a stack's outputs: it may assume the role
// that it reads with, and that role, or else the reader, may describe the
// stack.
func (h host) CheckRead(actor, roleARN string, scope cloudformation.Scope, stackARN string) error {
	if roleARN != "" {
		if err := h.checkAssume(actor, roleARN, scope); err != nil {
			return err
		}
		actor = roleARN
	}
	return messageOnly(h.guard(scope, actor)(policy.Question{Action: "cloudformation:DescribeStacks", Resource: stackARN}))
}

// checkAssume reports whether an actor may assume a role.
func (h host) checkAssume(actor, roleARN string, scope cloudformation.Scope) error {
	role, account, err := h.s.identity.RoleOf(roleARN)
	if err != nil || account != scope.Account {
		return messagef("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", actor, roleARN)
	}
	trust, err := policy.Parse(role.Trust)
	if err != nil {
		return err
	}
	return messageOnly(h.guard(scope, actor)(policy.Question{
		Action: "sts:AssumeRole", Resource: roleARN, Account: scope.Account, ResourcePolicy: trust, Trust: true,
	}))
}

// ObjectExists reports whether an account's own bucket has the key.
func (h host) ObjectExists(_ cloudformation.Scope, bucket, key string) bool {
	return h.s.objects.Exists(bucket, key)
}

// objectOf reads an S3 URL: s3://bucket/key, virtual-hosted, path style, or
// one of the simulator's own addresses.
func (s *Server) objectOf(address string) (bucket, key, version string, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", "", "", messagef("TemplateURL must be a supported URL: %q", address)
	}
	path := strings.TrimPrefix(u.Path, "/")
	version = u.Query().Get("versionId")
	label, _, virtual := strings.Cut(u.Host, ".s3.")
	if !virtual {
		label, _, virtual = strings.Cut(u.Host, ".s3-")
	}
	switch {
	case u.Scheme == "s3":
		return u.Host, path, version, nil
	case virtual && strings.Contains(u.Host, ".amazonaws.com"):
		return label, path, version, nil
	case s.url != "" && strings.TrimPrefix(s.url, "http://") == u.Host,
		strings.HasPrefix(u.Host, "s3.") || strings.HasPrefix(u.Host, "s3-"):
		bucket, key, _ = strings.Cut(path, "/")
		return bucket, key, version, nil
	}
	return "", "", "", messagef("TemplateURL must be an Amazon S3 URL: %q", address)
}

// messageOnly removes the code of an AWS error: the engine reports the message.
func messageOnly(err error) error {
	if err == nil {
		return nil
	}
	return message(wire.Query.Spoken(err).Message)
}

// message is the text of an error as AWS writes it.
type message string

func (m message) Error() string { return string(m) }

func messagef(format string, args ...any) error { return message(fmt.Sprintf(format, args...)) }

// HasAlarm reports whether a stack of the account has deployed an alarm.
func (h host) HasAlarm(scope cloudformation.Scope, arn string) bool {
	return h.s.alarms.Exists(scope.Account, scope.Region, arn)
}

// Alarms reports whether an alarm is in the state ALARM.
func (h host) Alarms(scope cloudformation.Scope, arn string) bool {
	return h.s.alarms.State(wire.Place(scope.Account, scope.Region), arn) == "ALARM"
}

// HasContent reports whether a bucket has objects or a repository has images.
func (h host) HasContent(scope cloudformation.Scope, typ, physicalID string) bool {
	if typ == "AWS::S3::Bucket" {
		return h.s.objects.HasObjects(physicalID)
	}
	repository, err := h.s.registry.Get(wire.Place(scope.Account, scope.Region), physicalID)
	return err == nil && len(repository.Images) > 0
}
