package awssim

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// resourceHandler creates, updates and deletes resources of one CloudFormation type
// in the simulator, so that a deployed stack can be used through the service's API.
type resourceHandler struct {
	create func(*Server, request) (cloudformation.Resource, error)
	update func(*Server, request) (cloudformation.Resource, error)
	remove func(*Server, request) error
	// find finds a resource by the name that the template gives it; nil for
	// types whose names say nothing about what exists.
	find func(*Server, request) (cloudformation.Resource, error)
}

var resourceHandlers = map[string]resourceHandler{
	"AWS::S3::Bucket":             {createBucket, updateBucket, deleteBucket, findBucket},
	"AWS::S3::BucketPolicy":       {putBucketPolicy, putBucketPolicy, deleteBucketPolicy, findBucketPolicy},
	"AWS::IAM::Role":              {createRole, updateRole, deleteRole, findRole},
	"AWS::IAM::Policy":            {createInlinePolicy, updateInlinePolicy, deleteInlinePolicy, nil},
	"AWS::IAM::ManagedPolicy":     {createManagedPolicy, updateManagedPolicy, deleteManagedPolicy, findManagedPolicy},
	"AWS::IAM::OIDCProvider":      {createProvider, updateProvider, deleteProvider, nil},
	"AWS::SSM::Parameter":         {createParameter, updateParameter, deleteParameter, findParameter},
	"AWS::SecretsManager::Secret": {createSecret, updateSecret, deleteSecret, findSecret},
	"AWS::ECR::Repository":        {createRepository, updateRepository, deleteRepository, findRepository},

	"Custom::CrossRegionExportWriter": {createExports, updateExports, deleteExports, nil},
	"Custom::CrossRegionExportReader": {createImports, updateImports, deleteImports, nil},
}

// request is a request of CloudFormation to a handler.
type request struct {
	cloudformation.ResourceRequest
	now properties // wanted
	old properties
}

func newRequest(r cloudformation.ResourceRequest) request {
	return request{ResourceRequest: r, now: properties(r.Properties), old: properties(r.Old)}
}

// Create creates a resource of a type with a handler.
func (h host) Create(_ context.Context, r cloudformation.ResourceRequest) (cloudformation.Resource, error) {
	handler, ok := resourceHandlers[r.Type]
	return h.change(ok, handler.create, r)
}

// Update updates a resource of a type with a handler.
func (h host) Update(_ context.Context, r cloudformation.ResourceRequest) (cloudformation.Resource, error) {
	handler, ok := resourceHandlers[r.Type]
	return h.change(ok, handler.update, r)
}

// change creates or updates a resource. A type without a handler is a generic one.
func (h host) change(known bool, do func(*Server, request) (cloudformation.Resource, error), r cloudformation.ResourceRequest) (cloudformation.Resource, error) {
	if !known {
		return cloudformation.Resource{}, cloudformation.ErrGeneric
	}
	h.s.ledger.touch()
	resource, err := do(h.s, newRequest(r))
	return resource, handlerError(err)
}

// Delete deletes a resource of a type with a handler; a missing resource is no error.
func (h host) Delete(_ context.Context, r cloudformation.ResourceRequest) error {
	handler, ok := resourceHandlers[r.Type]
	if !ok {
		return cloudformation.ErrGeneric
	}
	h.s.ledger.touch()
	err := handler.remove(h.s, newRequest(r))
	if isMissing(err) {
		return nil
	}
	return handlerError(err)
}

// HasHandler reports whether the simulator has a handler for a resource type.
func (h host) HasHandler(typ string) bool {
	_, ok := resourceHandlers[typ]
	return ok
}

// Existing finds a resource of a type with a handler by the name in its properties.
func (h host) Existing(scope cloudformation.Scope, typ string, properties map[string]any) (cloudformation.Resource, error) {
	find := resourceHandlers[typ].find
	if find == nil {
		return cloudformation.Resource{}, cloudformation.ErrAbsent
	}
	resource, err := find(h.s, newRequest(cloudformation.ResourceRequest{Scope: scope, Type: typ, Properties: properties}))
	if errors.Is(err, cloudformation.ErrAbsent) || isMissing(err) {
		return cloudformation.Resource{}, cloudformation.ErrAbsent
	}
	return resource, handlerError(err)
}

// handlerError formats an error as a resource handler of CloudFormation does.
func handlerError(err error) error {
	if err == nil {
		return nil
	}
	spoken := wire.Query.Spoken(err)
	return messagef("Resource handler returned message: %q (HandlerErrorCode: %s)", spoken.Message, handlerCode(spoken))
}

func handlerCode(e *wire.Error) string {
	switch {
	case e.Common == wire.AccessDenied:
		return "AccessDenied"
	case strings.Contains(e.Code, "AlreadyExists") || strings.Contains(e.Code, "AlreadyOwned") || e.Code == "ResourceExistsException":
		return "AlreadyExists"
	case isMissing(e):
		return "NotFound"
	case e.Status >= 500:
		return "InternalFailure"
	}
	return "InvalidRequest"
}

func isMissing(err error) bool {
	if err == nil {
		return false
	}
	code := wire.Query.Spoken(err).Code
	return strings.HasPrefix(code, "NoSuch") || strings.Contains(code, "NotFound")
}

// permit asks whether the execution role may do something. Without one the
// operation runs with the permissions of the caller who started it.
func (s *Server) permit(req request, action, resource string) error {
	if req.RoleARN == "" {
		return nil
	}
	h := host{s}
	q := questionOn(action, resource)
	return h.guard(req.Scope, req.RoleARN)(q)
}

func (req request) place() string { return wire.Place(req.Scope.Account, req.Scope.Region) }

func (req request) arn(service, resource string) string {
	return "arn:" + req.Scope.Partition + ":" + service + ":" + req.Scope.Region + ":" + req.Scope.Account + ":" + resource
}

// keyARN returns the ARN of the key of KMS that a property names, if it has one: by its ARN, or
// by its id, as an alias is not known here.
func (req request) keyARN(property string) string {
	key := req.now.text(property)
	if key == "" || strings.HasPrefix(key, "arn:") {
		return key
	}
	return req.arn("kms", "key/"+key)
}

func (req request) iamARN(resource string) string {
	return "arn:" + req.Scope.Partition + ":iam::" + req.Scope.Account + ":" + resource
}

// name is the resource's own name: the given property, or a generated one cut
// to the longest the service takes.
func (req request) name(property string, longest int) string {
	if given := req.now.text(property); given != "" {
		return given
	}
	id := req.SuggestedID
	if len(id) > longest { // keep the random end
		cut := strings.LastIndexByte(id, '-')
		id = id[:longest-(len(id)-cut)] + id[cut:]
	}
	return id
}

// tags are those of the template, of the stack, and CloudFormation's own.
func (req request) tags() map[string]string {
	tags := maps.Clone(req.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	maps.Copy(tags, req.now.tags("Tags"))
	tags["aws:cloudformation:stack-name"] = req.StackName
	tags["aws:cloudformation:stack-id"] = req.StackID
	tags["aws:cloudformation:logical-id"] = req.LogicalID
	return tags
}
