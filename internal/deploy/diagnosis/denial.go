package diagnosis

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Denial is a call that AWS denied.
type Denial struct {
	Principal string `json:"principal"` // ARN
	Action    string `json:"action"`    // such as sqs:CreateQueue
	Resource  string `json:"resource"`  // "*" if AWS names none
	// Because is the reason that AWS gives, such as "no identity-based policy allows the
	// sqs:CreateQueue action"; it may be empty.
	Because string `json:"because,omitempty"`
}

// denied matches what AWS says of a denied call. A resource and a reason may be missing.
var denied = regexp.MustCompile(`(?i)User: (\S+) is not authorized to perform: ([a-z0-9-]+:[A-Za-z0-9*]+)` +
	`(?: on resource: ("[^"]*"|[^\s"]+))?(?:[.,]? (?:because|with) ([^().;\n"]+))?`)

// ParseDenial finds a denied call in the reason of a failure.
func ParseDenial(reason string) (Denial, bool) {
	m := denied.FindStringSubmatch(errs.OneLine(reason))
	if m == nil {
		return Denial{}, false
	}
	resource := strings.TrimRight(strings.Trim(m[3], `"`), ".,;)")
	if resource == "" {
		resource = "*"
	}
	return Denial{Principal: m[1], Action: m[2], Resource: resource, Because: strings.TrimSpace(m[4])}, true
}

// Explicit reports whether a policy forbids the call, which no other statement allows then.
func (d Denial) Explicit() bool { return strings.Contains(d.Because, "explicit deny") }

// outer matches the policies around those of a role.
var outer = regexp.MustCompile(`(?i)service control polic|resource control polic|permissions boundary|session policy|resource-based polic|VPC endpoint polic`)

// Statement returns the statement that allows the call, as JSON; "" if none of the principal's
// own policies can.
func (d Denial) Statement() string {
	if d.Explicit() || outer.MatchString(d.Because) || strings.Contains(d.Action, "*") {
		return "" // AWS denies one action: who says that all are needed is somebody else
	}
	statement := struct{ Effect, Action, Resource string }{"Allow", d.Action, d.Resource}
	text, err := json.Marshal(statement)
	if err != nil {
		return "" // texts always encode
	}
	return string(text)
}

// Role returns the name of the role that called; "" for another principal.
func (d Denial) Role() string {
	parsed, err := arn.Parse(d.Principal)
	if err != nil {
		return ""
	}
	kind, rest, _ := strings.Cut(parsed.Resource, "/")
	switch kind {
	case "assumed-role":
		name, _, _ := strings.Cut(rest, "/")
		return name
	case "role":
		return rest[strings.LastIndex(rest, "/")+1:]
	}
	return ""
}

// Lines describes who may not do what, and what to add where.
func (d Denial) Lines() []string {
	who, at := d.Principal, d.Principal
	if role := d.Role(); role != "" {
		who, at = "role "+role, "the policies of role "+role
	}
	lines := []string{who + " may not call " + d.Action + " on " + d.Resource}
	if d.Because != "" {
		lines[0] += ": " + d.Because
	}
	switch statement := d.Statement(); {
	case statement != "" && strings.Contains(d.Role(), "-cfn-exec-role-"):
		return append(lines, "to allow it, add this to a policy of cdk bootstrap --cloudformation-execution-policies: "+statement)
	case statement != "":
		return append(lines, "to allow it, add this to "+at+": "+statement)
	}
	return append(lines, "a statement in "+at+" does not help: change the policy that is named, or ask its owner")
}
