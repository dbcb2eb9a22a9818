package cloudformation

import (
	"context"
	"errors"
	"net/url"
	"time"
)

// Scope is the corner of the simulated cloud a call works in: one account in
// one region of one partition ("aws", "aws-cn", …).
type Scope struct{ Account, Region, Partition string }

// Request is one CloudFormation call whose signature was checked already.
type Request struct {
	Scope     Scope
	Caller    string     // the ARN of the caller
	Operation string     // the value of Action, such as DescribeStacks
	Form      url.Values // the awsquery parameters
}

// Host is what the engine needs from the rest of the simulator: its clock and
// the services that templates refer to. Errors of a host become the reason of
// the resource or the message of the call that met them, verbatim.
type Host interface {
	// Now is the simulator's time.
	Now() time.Time
	// Sleep waits for d of simulated time, or returns the error of ctx.
	Sleep(ctx context.Context, d time.Duration) error

	// Parameter returns an SSM parameter's value and type (String, StringList,
	// SecureString).
	Parameter(scope Scope, name string) (value, typ string, err error)
	// Secret returns a secret's text, or the member jsonKey of it when
	// jsonKey is not empty.
	Secret(scope Scope, id, jsonKey string) (string, error)
	// Template reads a TemplateURL with the rights of the caller.
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

	// Create makes the resource and returns its identity. ErrGeneric says that
	// the host has no such thing: the engine invents identity and attributes.
	Create(ctx context.Context, r ResourceRequest) (Resource, error)
	// Update changes the resource in place. Replacements never come here: they
	// are a Create followed by a Delete of the old physical id. ErrGeneric as
	// for Create.
	Update(ctx context.Context, r ResourceRequest) (Resource, error)
	// Delete removes the resource; one that is gone already is no error.
	// ErrGeneric as for Create.
	Delete(ctx context.Context, r ResourceRequest) error

	// HasHandler reports whether the host has a handler for a resource type. It is asked
	// under the engine's lock, and must not call the engine.
	HasHandler(typ string) bool
	// Existing finds the resource of a type with a handler that has, in the scope,
	// the name that the properties give. ErrAbsent says that there is none.
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

// Resource is the identity of a resource: what Ref and Fn::GetAtt give.
type Resource struct {
	// PhysicalID is what Ref returns. An empty one asks the engine to choose.
	PhysicalID string
	// Attributes are the values of Fn::GetAtt by name. What is missing comes
	// from the engine's table of common types.
	Attributes map[string]any
}

// ErrGeneric is what a Host returns for a resource type it has no handler for.
var ErrGeneric = errors.New("the host has no handler for this resource type")

// ErrAbsent is what a Host answers when no resource has the name it looks for.
var ErrAbsent = errors.New("no resource has this name")
