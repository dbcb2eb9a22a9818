package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/kinds"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// act creates or changes the physical resource and records its state.
func (e *Engine) act(ctx context.Context, s *stack, st step) error {
	if st.verb == "IMPORT" {
		return e.importResource(s, st)
	}
	if err := st.checkReplacement(); err != nil {
		return err
	}
	if err := checkProperties(st.wanted); err != nil {
		return err
	}
	properties, err := e.resolved(s.Scope, st.wanted.Properties)
	if err != nil {
		return err
	}
	if err := e.checkName(st, properties); err != nil {
		return err
	}
	if err := e.checkCode(s, st.wanted.Type, properties); err != nil {
		return err
	}
	request := e.request(s, st, properties)
	identity, err := e.change(ctx, s, st, request)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.note(s, st, identity)
	return nil
}

// change calls the host, or makes a generic resource if the host has no handler for the type.
func (e *Engine) change(ctx context.Context, s *stack, st step, request ResourceRequest) (Resource, error) {
	if st.record.Type == stackType {
		return e.deployNested(ctx, s, st, request)
	}
	call := e.host.Create
	if request.PhysicalID != "" {
		call = e.host.Update
	}
	identity, err := call(ctx, request)
	if !errors.Is(err, ErrGeneric) {
		return identity, err
	}
	if request.PhysicalID != "" {
		return Resource{PhysicalID: request.PhysicalID}, nil
	}
	return e.makeGeneric(s, request)
}

// makeGeneric invents the identity of a resource nothing stands behind. A name
// of its own must not be taken.
func (e *Engine) makeGeneric(s *stack, request ResourceRequest) (Resource, error) {
	subject := s.subject(&resource{LogicalID: request.LogicalID, Type: request.Type, Properties: request.Properties})
	e.mu.Lock()
	defer e.mu.Unlock()
	subject.Seed = e.newID()
	id := subject.NewID()
	if identity := kinds.Identity(request.Type, request.Properties); identity != "" && e.taken(s.Scope, request.Type, identity) {
		return Resource{}, errors.New(handlerReason(existsReason(request.Type, identity), e.newID(), "AlreadyExists"))
	}
	return Resource{PhysicalID: id}, nil
}

// request returns the request to the host.
func (e *Engine) request(s *stack, st step, properties map[string]any) ResourceRequest {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := ResourceRequest{
		Scope: s.Scope, StackName: s.Name, StackID: s.ID, LogicalID: st.record.LogicalID, Type: st.record.Type,
		Properties: properties, Tags: tagMap(st.wanted.Tags), RoleARN: s.Version.RoleARN,
		SuggestedID: kinds.Invent(s.Name, st.record.LogicalID, e.newID(), st.record.Type),
	}
	if st.verb == "UPDATE" && !st.replace {
		r.PhysicalID, r.Old = st.record.PhysicalID, st.record.Properties
	}
	return r
}

// note records the result of a change. The caller holds the lock.
func (e *Engine) note(s *stack, st step, identity Resource) {
	if st.replace {
		policy := st.record.UpdateReplacePolicy
		if st.wanted.UpdateReplacePolicy != "" {
			policy = st.wanted.UpdateReplacePolicy
		}
		s.retire(*st.record, policy)
	}
	st.adopt()
	r := st.record
	if identity.PhysicalID != "" {
		r.PhysicalID = identity.PhysicalID
	}
	r.Imported = r.Imported && !st.replace
	if identity.Attributes != nil || st.replace {
		r.Attributes = identity.Attributes
	}
	if st.verb == "CREATE" || st.replace {
		e.mark(s, r, st.verb+"_IN_PROGRESS", "Resource creation Initiated")
	}
}

func checkProperties(r resource) error {
	var lines []string
	for _, problem := range kinds.Problems(r.Type, r.Properties) {
		lines = append(lines, problem.String())
	}
	if lines == nil {
		return nil
	}
	return fmt.Errorf("Properties validation failed for resource %s with message:\n[%s]", r.LogicalID, strings.Join(lines, "\n"))
}

// checkName refuses a new resource with a name that its service does not accept.
func (e *Engine) checkName(st step, properties map[string]any) error {
	wrong := kinds.Subject{Type: st.wanted.Type, Properties: properties}.Misnamed()
	if wrong == "" || st.verb == "UPDATE" && !st.replace {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return errors.New(handlerReason(wrong, e.newID(), "InvalidRequest"))
}

// checkCode refuses a Lambda function whose code is not at its location.
func (e *Engine) checkCode(s *stack, typ string, properties map[string]any) error {
	code, _ := properties["Code"].(map[string]any)
	bucket, isBucket := code["S3Bucket"].(string)
	key, isKey := code["S3Key"].(string)
	if typ != "AWS::Lambda::Function" || !isBucket || !isKey || e.host.ObjectExists(s.Scope, bucket, key) {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	message := "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: " +
		"The specified key does not exist. (Service: Lambda, Status Code: 400, Request ID: " + e.newID() + ")"
	return errors.New(handlerReason(message, e.newID(), "InvalidRequest"))
}

// resolved replaces dynamic references by their values.
func (e *Engine) resolved(scope Scope, properties map[string]any) (map[string]any, error) {
	value, err := template.ResolveDynamic(properties, func(service, reference string) (string, error) {
		if service == "secretsmanager" {
			id, key := secretReference(reference)
			return e.host.Secret(scope, id, key)
		}
		text, typ, err := e.store(scope)(reference)
		if err == nil && service == "ssm" && typ == "SecureString" {
			err = fmt.Errorf("Non-secure ssm prefix was used for secure parameter: [%s]", reference)
		}
		return text, err
	})
	if err != nil {
		return nil, err
	}
	result, _ := value.(map[string]any)
	return result, nil
}

// secretReference reads secret-id:SecretString:json-key:version-stage:version-id.
// The id may be an ARN, which has six colons itself.
func secretReference(reference string) (id, jsonKey string) {
	id, rest, found := strings.Cut(reference, ":SecretString")
	if !found {
		return reference, ""
	}
	key, _, _ := strings.Cut(strings.TrimPrefix(rest, ":"), ":")
	return id, key
}

func tagMap(tags []tag) map[string]string {
	result := make(map[string]string, len(tags))
	for _, t := range tags {
		result[t.Key] = t.Value
	}
	return result
}
