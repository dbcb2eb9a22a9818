package stacks

import (
	"fmt"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/awssim/stacks/kinds"
)

// validation is what early validation, which CloudFormation does before a
// change set is complete, has against a resource. DescribeEvents tells it as an
// event of the type VALIDATION_ERROR.
type validation struct {
	ID         string // of the event
	Name       string // PROPERTY_VALIDATION or NAME_CONFLICT_VALIDATION
	Path       string // such as /Resources/Topic/Properties
	Reason     string
	StackID    string
	LogicalID  string
	PhysicalID string
	Type       string
	Time       time.Time
}

// checks are the names of the validations, as the reason of a change set has them.
var checks = map[string]string{
	"PROPERTY_VALIDATION":      "AWS::EarlyValidation::PropertyValidation",
	"NAME_CONFLICT_VALIDATION": "AWS::EarlyValidation::ResourceExistenceCheck",
}

// earlyReason is why a change set failed that did not pass early validation.
func earlyReason(failed []validation) string {
	var names []string
	for _, v := range failed {
		if !strings.Contains(strings.Join(names, " "), checks[v.Name]) {
			names = append(names, checks[v.Name])
		}
	}
	return fmt.Sprintf("The following hook(s)/validation failed: [%s]. To troubleshoot Early Validation errors, "+
		"use the DescribeEvents API for detailed failure information.", strings.Join(names, ", "))
}

// validate holds a resource that is to be made or changed to what early
// validation knows: the properties of its type, and that nothing has the name
// of a new one. The caller holds the lock.
func (p *planner) validate(wanted *resource, added bool) {
	path := "/Resources/" + wanted.LogicalID + "/Properties"
	add := func(name, path, id, reason string) {
		p.result.Invalid = append(p.result.Invalid, validation{
			ID: p.engine.newID(), Name: name, Path: path, Reason: reason, StackID: p.stack.ID,
			LogicalID: wanted.LogicalID, PhysicalID: id, Type: wanted.Type, Time: p.engine.host.Now().UTC(),
		})
	}
	for _, problem := range kinds.Problems(wanted.Type, wanted.Properties) {
		add("PROPERTY_VALIDATION", path+problem.Path, "", problem.Reason)
	}
	identity := kinds.Identity(wanted.Type, wanted.Properties)
	if identity == "" || !added {
		return
	}
	if own := p.stack.Resources[wanted.LogicalID]; own != nil && kinds.Identity(own.Type, own.Properties) == identity {
		return // what a failed creation left
	}
	if p.engine.taken(p.stack.Scope, wanted.Type, identity) {
		property := "/" + kinds.NameProperty(wanted.Type)
		add("NAME_CONFLICT_VALIDATION", path+strings.TrimSuffix(property, "/"), identity,
			fmt.Sprintf("Resource of type '%s' with identifier '%s' already exists.", wanted.Type, identity))
	}
}

func (v validation) node(cs *changeSet) node {
	return fields(
		text("EventId", v.ID), text("StackId", v.StackID), optional("OperationId", cs.OperationID), text("OperationType", "CREATE_CHANGESET"),
		text("EventType", "VALIDATION_ERROR"), text("LogicalResourceId", v.LogicalID), optional("PhysicalResourceId", v.PhysicalID),
		text("ResourceType", v.Type), moment("Timestamp", v.Time), text("ValidationFailureMode", "FAIL"),
		text("ValidationName", v.Name), text("ValidationStatus", "FAILED"), text("ValidationStatusReason", v.Reason),
		text("ValidationPath", v.Path),
	)
}
