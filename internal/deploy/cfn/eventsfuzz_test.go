package cfn

import (
	"strings"
	"testing"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// FuzzEvents holds that whatever resources, validations and hooks say in the events of an operation,
// each finding and each cause is lines of text.
func FuzzEvents(f *testing.F) {
	f.Add("Queue", "AWS::SQS::Queue", "CREATE_FAILED", "Resource handler returned message: \"already exists\" (RequestToken: 1, HandlerErrorCode: AlreadyExists)", "/Resources/Queue/Properties/QueueName", "My::Own::Hook")
	f.Add("a\nb", "Custom::X\x1b[31m", "UPDATE_FAILED", "Received response status [FAILED] from custom resource.\r\n Message returned: \x1b]8;;https://x\x07", "//Properties//", "")
	f.Add("Api", stackType, "ROLLBACK_IN_PROGRESS", "Embedded stack was not successfully created: The following resource(s) failed to create: [Q].", "", "Guard")
	f.Fuzz(func(t *testing.T, id, kind, status, reason, path, hook string) {
		if status = orElse(status, "CREATE_FAILED"); strings.ContainsFunc(status, unicode.IsControl) {
			return // CloudFormation chooses it
		}
		goal := Goal{Name: "app", ConstructPath: func([]string, string) string { return id }}
		found := goal.finding([]string{id}, types.OperationEvent{
			LogicalResourceId: &id, ResourceType: &kind, HookType: &hook, HookStatusReason: &reason, ValidationStatusReason: &reason, ValidationPath: &path,
		})
		events := []ResourceEvent{
			{ID: "1", StackID: "s", LogicalID: id, Type: kind, Status: "CREATE_IN_PROGRESS", Hook: hook, HookStatus: "HOOK_COMPLETE_FAILED", HookReason: reason},
			{ID: "2", StackID: "s", LogicalID: id, Type: kind, Status: status, Reason: reason + hook},
			{ID: "3", StackID: "s", LogicalID: "app", Type: stackType, Status: "ROLLBACK_IN_PROGRESS", Reason: reason},
		}
		failed := failure(goal, status, events)
		for _, line := range append(found.Lines(), found.Line(), failed.Error()) {
			if strings.ContainsFunc(line, unicode.IsControl) {
				t.Errorf("%q", line)
			}
		}
	})
}
