package cloudformation

import (
	"fmt"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/kinds"
)

// validation is what early validation, which CloudFormation does before a
// change set is complete, has against a resource. DescribeEvents returns it as an
// event of the type VALIDATION_ERROR.
type validation struct {
	ID         string // of the event
	Name       string // PROPERTY_VALIDATION, NAME_CONFLICT_VALIDATION, or that of a warning
	Path       string // such as /Resources/Topic/Properties
	Reason     string
	StackID    string
	LogicalID  string
	PhysicalID string
	Type       string
	Time       time.Time
	Warns      bool // it does not fail the change set
}

// checks are the names of the validations, as the reason of a change set has them.
var checks = map[string]string{
	"PROPERTY_VALIDATION":      "AWS::EarlyValidation::PropertyValidation",
	"NAME_CONFLICT_VALIDATION": "AWS::EarlyValidation::ResourceExistenceCheck",
}

func (v validation) mode() string {
	if v.Warns {
		return "WARN"
	}
	return "FAIL"
}

// earlyReason is why a change set failed that did not pass early validation.
func earlyReason(failed []validation) string {
	var names []string
	for _, v := range failed {
		if !v.Warns && !strings.Contains(strings.Join(names, " "), checks[v.Name]) {
			names = append(names, checks[v.Name])
		}
	}
	return fmt.Sprintf("The following hook(s)/validation failed: [%s]. To troubleshoot Early Validation errors, "+
		"use the DescribeEvents API for detailed failure information.", strings.Join(names, ", "))
}

// validate holds a resource that is to be made or changed to the properties of
// its type. The caller holds the lock.
func (p *planner) validate(wanted *resource) {
	for _, problem := range kinds.Problems(wanted.Type, wanted.Properties) {
		p.object(wanted, validation{Name: "PROPERTY_VALIDATION", Path: problem.Path, Reason: problem.Reason})
	}
}

// object adds to what early validation has against the plan. The path is one
// below the properties of the resource.
func (p *planner) object(wanted *resource, v validation) {
	v.ID, v.StackID, v.Time = p.engine.newID(), p.stack.ID, p.engine.host.Now().UTC()
	v.LogicalID, v.Type, v.Path = wanted.LogicalID, wanted.Type, "/Resources/"+wanted.LogicalID+"/Properties"+v.Path
	p.result.Invalid = append(p.result.Invalid, v)
}

func (v validation) node(cs *changeSet) node {
	return fields(
		text("EventId", v.ID), text("StackId", v.StackID), optional("OperationId", cs.OperationID), text("OperationType", "CREATE_CHANGESET"),
		text("EventType", "VALIDATION_ERROR"), text("LogicalResourceId", v.LogicalID), optional("PhysicalResourceId", v.PhysicalID),
		text("ResourceType", v.Type), moment("Timestamp", v.Time), text("ValidationFailureMode", v.mode()),
		text("ValidationName", v.Name), text("ValidationStatus", "FAILED"), text("ValidationStatusReason", v.Reason),
		text("ValidationPath", v.Path),
	)
}
