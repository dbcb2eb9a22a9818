package diff

import (
	"regexp"
	"strings"
)

// permission is one permission or denial: the smallest part of a policy's statement.
type permission struct {
	holder    string // identity or resource that has the policy, such as "${Role}"
	deny      bool
	principal string // of a resource's policy
	action    string
	resource  string
	condition string // JSON; "" is always
	opaque    string // a statement that cannot be split, as JSON
}

// covers reports whether r includes other.
func (r permission) covers(other permission) bool {
	if r == other || r.action == unbound && other.action == bound && r.holder == other.holder ||
		r.action == opens && other.action == opens && r.holder == other.holder && r.resource == other.resource {
		return true
	}
	return !r.deny && !other.deny && r.opaque == "" && other.opaque == "" && r.holder == other.holder &&
		(r.condition == "" || r.condition == other.condition) &&
		like(r.principal, other.principal) && like(strings.ToLower(r.action), strings.ToLower(other.action)) && like(r.resource, other.resource)
}

// isDefault reports whether a new resource has the permission by default, for lack of
// a restriction.
func (r permission) isDefault() bool {
	return r.action == unbound || r.action == bound || r.action == opens && r.condition == ""
}

// like reports whether a text matches a pattern with * and ?. An exclusion
// ("not …") matches only itself.
func like(pattern, text string) bool {
	if pattern == text {
		return true
	}
	if strings.HasPrefix(pattern, "not ") || strings.HasPrefix(text, "not ") || !strings.ContainsAny(pattern, "*?") {
		return false
	}
	form := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile("^(?s:" + form + ")$").MatchString(text)
}

// statements splits the statements of a policy document into permissions.
func statements(holder string, document any) (permissions []permission) {
	policy, isMap := document.(map[string]any)
	if !isMap {
		return nil
	}
	for _, one := range many(policy["Statement"]) {
		statement, isMap := one.(map[string]any)
		effect, known := statement["Effect"].(string)
		if !isMap || !known {
			permissions = append(permissions, permission{holder: holder, opaque: format(one)})
			continue
		}
		permissions = append(permissions, split(holder, effect == "Deny", statement)...)
	}
	return permissions
}

// maxSplit is the largest number of permissions that one statement is split into.
const maxSplit = 5000

func split(holder string, deny bool, statement map[string]any) (permissions []permission) {
	condition := ""
	if statement["Condition"] != nil {
		condition = format(statement["Condition"])
	}
	who, actions, resources := orEmpty(principals(statement)), orEmpty(either(statement, "Action")), orEmpty(either(statement, "Resource"))
	if len(who)*len(actions)*len(resources) > maxSplit {
		return []permission{{holder: holder, opaque: format(statement)}}
	}
	for _, principal := range who {
		for _, action := range actions {
			for _, resource := range resources {
				permissions = append(permissions, permission{holder: holder, deny: deny, principal: principal, action: action, resource: resource, condition: condition})
			}
		}
	}
	return permissions
}

func either(statement map[string]any, key string) (texts []string) {
	for _, value := range many(statement[key]) {
		texts = append(texts, format(value))
	}
	if not := many(statement["Not"+key]); len(not) > 0 {
		texts = append(texts, "not "+format(any(not)))
	}
	return texts
}

// principals returns the principals of a statement, such as "lambda.amazonaws.com".
func principals(statement map[string]any) (texts []string) {
	switch principal := statement["Principal"].(type) {
	case string:
		texts = append(texts, principal)
	case map[string]any:
		if text, ok := reference(principal); ok {
			return []string{text}
		}
		for _, kind := range []string{"AWS", "Service", "Federated", "CanonicalUser"} {
			for _, value := range many(principal[kind]) {
				texts = append(texts, format(value))
			}
		}
	}
	if not := statement["NotPrincipal"]; not != nil {
		texts = append(texts, "not "+format(not))
	}
	return texts
}

func orEmpty(texts []string) []string {
	if len(texts) == 0 {
		return []string{""}
	}
	return texts
}
