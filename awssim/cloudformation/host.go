package cloudformation

import (
	"context"
	"errors"
	"net/url"
	"time"
)

// Scope is the part of the simulated cloud that a call works in: one account in
// one region of one partition ("aws", "aws-cn", …).
type Scope struct{ Account, Region, Partition string }

// Request is one CloudFormation call with a verified signature.
type Request struct {
	Scope     Scope
	Caller    string     // the ARN of the caller
	Operation string     // the value of Action, such as DescribeStacks
	Form      url.Values // the awsquery parameters
}

// Host is the rest of the simulator that the engine uses: its clock and
// the services that templates refer to. Errors of a host become, verbatim, the reason of
// the resource or the message of the call.
type Host interface {
	// Now returns the simulator's time.
	Now() time.Time
	// Sleep waits for d of simulated time, or returns the error of ctx.
	Sleep(ctx context.Context, d time.Duration) error

	// Parameter returns an SSM parameter's value and type (String, StringList,
	// SecureString).
	Parameter(scope Scope, name string) (value, typ string, err error)
	// Secret returns a secret's text, or the member jsonKey of it when
	// jsonKey is not empty.
	Secret(scope Scope, id, jsonKey string) (string, error)
	// Template reads a TemplateURL with the permissions of the caller.
	Template(ctx context.Context, scope Scope, caller, url string) ([]byte, error)
	// CheckRole reports whether the caller may pass the role and the role trusts
	// CloudFormation; nil when both hold.
	CheckRole(scope Scope, caller, roleARN string) error
	// CheckRead reports whether the actor, an ARN, may read the stack; with a role
	// it must assume that first. It is asked under the engine's lock, and must
	// not call the engine.
	CheckRead(actor, roleARN string, scope Scope, stackARN string) error
	// ObjectExists reports whether a bucket visible to the scope has the key.
	ObjectExists(scope Scope, bucket, key string) bool

	// Create creates the resource and returns its identity. ErrGeneric reports that
	// the host has no handler: the engine generates identity and attributes.
	Create(ctx context.Context, r ResourceRequest) (Resource, error)
	// Update changes the resource in place. Replacements are not updates: they
	// are a Create followed by a Delete of the old physical id. ErrGeneric as
	// for Create.
	Update(ctx context.Context, r ResourceRequest) (Resource, error)
	// Delete removes the resource; a missing one is no error.
	// ErrGeneric as for Create.
	Delete(ctx context.Context, r ResourceRequest) error

	// HasHandler reports whether the host has a handler for a resource type. It is called
	// under the engine's lock, and must not call the engine.
	HasHandler(typ string) bool
	// HasContent reports whether a bucket or a repository of images is not empty. It is
	// called under the engine's lock, and must not call the engine.
	HasContent(scope Scope, typ, physicalID string) bool
	// HasAlarm reports whether CloudWatch has an alarm in the scope.
	HasAlarm(scope Scope, arn string) bool
	// Alarms reports whether an alarm is in the state ALARM. It is called under the engine's
	// lock, and must not call the engine. [Engine.Wake] follows a change of the answer.
	Alarms(scope Scope, arn string) bool
	// Existing returns the resource of a type with a handler that has, in the scope,
	// the name in the properties. ErrAbsent reports that there is none.
	Existing(scope Scope, typ string, properties map[string]any) (Resource, error)
}

// ResourceRequest asks a Host to create, update or delete one resource.
type ResourceRequest struct {
	Scope      Scope
	StackName  string
	StackID    string // the stack's ARN
	LogicalID  string
	Type       string         // such as AWS::S3::Bucket
	PhysicalID string         // empty for a creation
	Properties map[string]any // wanted, all functions evaluated, numbers as json.Number; nil for a deletion
	Old        map[string]any // as they are now; nil for a creation
	Tags       map[string]string
	RoleARN    string // the role the operation runs as; empty: the caller's rights
	// SuggestedID is a fresh physical id in CloudFormation's own form
	// (stack-logicalid-SUFFIX) for creations whose properties name none.
	SuggestedID string
}

// Resource is the identity of a resource: the values of Ref and Fn::GetAtt.
type Resource struct {
	// PhysicalID is the value of Ref. If it is empty, the engine chooses one.
	PhysicalID string
	// Attributes are the values of Fn::GetAtt by name. Missing ones come
	// from the engine's table of common types.
	Attributes map[string]any
}

// ErrGeneric is what a Host returns for a resource type it has no handler for.
var ErrGeneric = errors.New("the host has no handler for this resource type")

// ErrAbsent is what a Host returns if no resource has the name.
var ErrAbsent = errors.New("no resource has this name")
