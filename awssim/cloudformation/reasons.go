package cloudformation

import (
	"fmt"
	"strings"
)

// handlerReason is the form of most failures of resources.
func handlerReason(message, token, code string) string {
	return fmt.Sprintf("Resource handler returned message: %q (RequestToken: %s, HandlerErrorCode: %s)", message, token, code)
}

// failureReason names the resources that failed: "The following resource(s) failed
// to create: [A, B]. ".
func failureReason(verb string, ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return fmt.Sprintf("The following resource(s) failed to %s: [%s]. ", verb, strings.Join(ids, ", "))
}
