package cloudformation

import (
	"slices"
	"strings"
)

// templateInputs are the members by which a call gives a stack a version.
var templateInputs = []string{
	"Capabilities", "DeploymentConfig.Mode", "NotificationARNs", "Parameters", "RoleARN",
	"RollbackConfiguration.MonitoringTimeInMinutes", "RollbackConfiguration.RollbackTriggers", "StackName", "Tags", "TemplateBody", "TemplateURL",
}

// inputs are the supported members of each operation's input; A.B is the member B of A. All
// others are refused by name, so that none is ignored silently. Not simulated are stack
// policies, timeouts, limits on resource types, express and drift-aware deployments, and
// stack sets.
var inputs = map[string][]string{
	"CancelUpdateStack":      {"ClientRequestToken", "StackName"},
	"ContinueUpdateRollback": {"ClientRequestToken", "ForceRollback", "ResourcesToSkip", "RoleARN", "StackName"},
	"CreateChangeSet": with(
		templateInputs, "ChangeSetName", "ChangeSetType", "ClientToken", "Description", "DisableValidation",
		"ImportExistingResources", "IncludeNestedStacks", "OnStackFailure", "UsePreviousTemplate",
	),
	"CreateStack": with(
		// Early validation is part of change sets alone here: what disables it
		// is as good as honoured.
		templateInputs, "ClientRequestToken", "DisableRollback", "DisableValidation", "EnableTerminationProtection", "OnFailure",
		"RetainExceptOnCreate",
	),
	"DeleteChangeSet":        {"ChangeSetName", "StackName"},
	"DeleteStack":            {"ClientRequestToken", "DeletionMode", "DeploymentConfig.Mode", "RetainResources", "RoleARN", "StackName"},
	"DescribeChangeSet":      {"ChangeSetName", "IncludePropertyValues", "NextToken", "StackName"},
	"DescribeEvents":         {"ChangeSetName", "Filters.FailedEvents", "NextToken", "OperationId", "StackName"},
	"DescribeStackEvents":    {"NextToken", "StackName"},
	"DescribeStackResource":  {"LogicalResourceId", "StackName"},
	"DescribeStackResources": {"LogicalResourceId", "PhysicalResourceId", "StackName"},
	"DescribeStacks":         {"NextToken", "StackName"},
	"ExecuteChangeSet":       {"ChangeSetName", "ClientRequestToken", "DisableRollback", "RetainExceptOnCreate", "StackName"},
	"GetHookResult":          {"HookResultId"},
	"GetStackPolicy":         {"StackName"},
	"GetTemplate":            {"ChangeSetName", "StackName", "TemplateStage"},
	"GetTemplateSummary":     {"StackName", "TemplateBody", "TemplateURL"},
	"ListChangeSets":         {"NextToken", "StackName"},
	"ListExports":            {"NextToken"},
	"ListHookResults":        {"NextToken", "Status", "TargetId", "TargetType", "TypeArn"},
	"ListImports":            {"ExportName"},
	"ListStackResources":     {"NextToken", "StackName"},
	"ListStacks":             {"NextToken", "StackStatusFilter"},
	"RollbackStack":          {"ClientRequestToken", "DeploymentConfig.Mode", "RetainExceptOnCreate", "RoleARN", "StackName"},
	"UpdateStack": with(
		templateInputs, "ClientRequestToken", "DisableRollback", "DisableValidation", "RetainExceptOnCreate", "UsePreviousTemplate",
	),
	"UpdateTerminationProtection": {"EnableTerminationProtection", "StackName"},
	"ValidateTemplate":            {"TemplateBody", "TemplateURL"},
}

// choices are the values that members with an enumeration take.
var choices = map[string][]string{
	"ChangeSetType":         {"CREATE", "UPDATE", "IMPORT"},
	"DeletionMode":          {"STANDARD", "FORCE_DELETE_STACK"},
	"DeploymentConfig.Mode": {"STANDARD"}, // EXPRESS is not simulated
	"Status":                {"HOOK_IN_PROGRESS", "HOOK_COMPLETE_SUCCEEDED", "HOOK_COMPLETE_FAILED", "HOOK_FAILED"},
	"TargetType":            {"CHANGE_SET", "STACK", "RESOURCE", "CLOUD_CONTROL"},
	"OnFailure":             {"DO_NOTHING", "ROLLBACK", "DELETE"},
	"OnStackFailure":        {"DO_NOTHING", "ROLLBACK", "DELETE"},
	"TemplateStage":         {"Original", "Processed"},
}

func with(some []string, more ...string) []string { return append(slices.Clone(some), more...) }

// checkInputs refuses members that the engine does not support, and values
// that CloudFormation does not have.
func (c call) checkInputs(operation string) error {
	for _, name := range sortedKeys(c.form) {
		if name != "Action" && name != "Version" && !handles(operation, name) {
			return invalidf("The simulator does not support %s of %s", member(name), operation)
		}
	}
	for _, name := range sortedKeys(choices) {
		if value := c.form.text(name); value != "" && !slices.Contains(choices[name], value) {
			if name == "DeploymentConfig.Mode" {
				return invalidf("The simulator does not support the deployment mode %s", value)
			}
			return invalidf("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]",
				value, strings.ToLower(name[:1])+name[1:], strings.Join(choices[name], ", "))
		}
	}
	return nil
}

func handles(operation, name string) bool {
	return slices.ContainsFunc(inputs[operation], func(handled string) bool {
		return name == handled || strings.HasPrefix(name, handled+".") || strings.HasPrefix(handled, name+".")
	})
}

// member is the name of an input's member as callers know it, without the
// numbers of lists.
func member(name string) string {
	name, _, _ = strings.Cut(name, ".member")
	return name
}
