package awssim

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// twin is a resource type of CloudFormation that exists in the simulator, so
// that a deployed stack can be looked at and used through the service's API.
type twin struct {
	create func(*Server, want) (cloudformation.Resource, error)
	update func(*Server, want) (cloudformation.Resource, error)
	remove func(*Server, want) error
	// find finds a resource by the name that the template gives it; nil for
	// types whose names say nothing about what exists.
	find func(*Server, want) (cloudformation.Resource, error)
}

var twins = map[string]twin{
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

// want is what CloudFormation wants of a resource.
type want struct {
	cloudformation.ResourceRequest
	now properties // wanted
	old properties
}

func newWant(r cloudformation.ResourceRequest) want {
	return want{ResourceRequest: r, now: properties(r.Properties), old: properties(r.Old)}
}

// Create makes a resource that has a twin.
func (h host) Create(_ context.Context, r cloudformation.ResourceRequest) (cloudformation.Resource, error) {
	twin, ok := twins[r.Type]
	if !ok {
		return cloudformation.Resource{}, cloudformation.ErrGeneric
	}
	h.s.ledger.touch()
	resource, err := twin.create(h.s, newWant(r))
	return resource, handlerError(err)
}

// Update changes a resource that has a twin.
func (h host) Update(_ context.Context, r cloudformation.ResourceRequest) (cloudformation.Resource, error) {
	twin, ok := twins[r.Type]
	if !ok {
		return cloudformation.Resource{}, cloudformation.ErrGeneric
	}
	h.s.ledger.touch()
	resource, err := twin.update(h.s, newWant(r))
	return resource, handlerError(err)
}

// Delete removes a resource that has a twin; one that is gone is no error.
func (h host) Delete(_ context.Context, r cloudformation.ResourceRequest) error {
	twin, ok := twins[r.Type]
	if !ok {
		return cloudformation.ErrGeneric
	}
	h.s.ledger.touch()
	err := twin.remove(h.s, newWant(r))
	if isMissing(err) {
		return nil
	}
	return handlerError(err)
}

// HasTwin says whether resources of a type exist in the simulator.
func (h host) HasTwin(typ string) bool {
	_, ok := twins[typ]
	return ok
}

// Existing finds a resource that has a twin by the name in its properties.
func (h host) Existing(scope cloudformation.Scope, typ string, properties map[string]any) (cloudformation.Resource, error) {
	find := twins[typ].find
	if find == nil {
		return cloudformation.Resource{}, cloudformation.ErrAbsent
	}
	resource, err := find(h.s, newWant(cloudformation.ResourceRequest{Scope: scope, Type: typ, Properties: properties}))
	if errors.Is(err, cloudformation.ErrAbsent) || isMissing(err) {
		return cloudformation.Resource{}, cloudformation.ErrAbsent
	}
	return resource, handlerError(err)
}

// handlerError words an error as a resource handler of CloudFormation does.
func handlerError(err error) error {
	if err == nil {
		return nil
	}
	spoken := wire.Query.Spoken(err)
	return wordsf("Resource handler returned message: %q (HandlerErrorCode: %s)", spoken.Message, handlerCode(spoken))
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
// operation runs with the rights of whoever started it.
func (s *Server) permit(w want, action, resource string) error {
	if w.RoleARN == "" {
		return nil
	}
	h := host{s}
	q := questionOn(action, resource)
	return h.guard(w.Scope, w.RoleARN)(q)
}

func (w want) place() string { return wire.Place(w.Scope.Account, w.Scope.Region) }

func (w want) arn(service, resource string) string {
	return "arn:" + w.Scope.Partition + ":" + service + ":" + w.Scope.Region + ":" + w.Scope.Account + ":" + resource
}

func (w want) iamARN(resource string) string {
	return "arn:" + w.Scope.Partition + ":iam::" + w.Scope.Account + ":" + resource
}

// name is the resource's own name: the given property, or a generated one cut
// to the longest the service takes.
func (w want) name(property string, longest int) string {
	if given := w.now.text(property); given != "" {
		return given
	}
	id := w.SuggestedID
	if len(id) > longest { // keep the random end
		cut := strings.LastIndexByte(id, '-')
		id = id[:longest-(len(id)-cut)] + id[cut:]
	}
	return id
}

// tags are those of the template, of the stack, and CloudFormation's own.
func (w want) tags() map[string]string {
	tags := maps.Clone(w.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	maps.Copy(tags, w.now.tags("Tags"))
	tags["aws:cloudformation:stack-name"] = w.StackName
	tags["aws:cloudformation:stack-id"] = w.StackID
	tags["aws:cloudformation:logical-id"] = w.LogicalID
	return tags
}
