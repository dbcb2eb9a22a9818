package diff

import (
	"regexp"
	"strings"
)

// right is one thing that somebody may or must not do: the smallest part of a
// policy's statement.
type right struct {
	holder    string // whose policy it is, such as "${Role}" or the resource that has it
	deny      bool
	principal string // of a resource's policy
	action    string
	resource  string
	condition string // JSON; "" is always
	opaque    string // a statement that cannot be taken apart, as JSON
}

// covers says whether who has r has other as well.
func (r right) covers(other right) bool {
	if r == other || r.action == unbound && other.action == bound && r.holder == other.holder ||
		r.action == opens && other.action == opens && r.holder == other.holder && r.resource == other.resource {
		return true
	}
	return !r.deny && !other.deny && r.opaque == "" && other.opaque == "" && r.holder == other.holder &&
		(r.condition == "" || r.condition == other.condition) &&
		like(r.principal, other.principal) && like(strings.ToLower(r.action), strings.ToLower(other.action)) && like(r.resource, other.resource)
}

// isDefault says whether a resource that is new has the right by having nothing
// that holds it back: who makes it did not take anything away.
func (r right) isDefault() bool {
	return r.action == unbound || r.action == bound || r.action == opens && r.condition == ""
}

// like says whether a text matches a pattern with * and ?. What a policy
// excludes ("not …") is like itself only.
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

// statements takes the statements of a policy document apart.
func statements(holder string, document any) (rights []right) {
	policy, isMap := document.(map[string]any)
	if !isMap {
		return nil
	}
	for _, one := range many(policy["Statement"]) {
		statement, isMap := one.(map[string]any)
		effect, known := statement["Effect"].(string)
		if !isMap || !known {
			rights = append(rights, right{holder: holder, opaque: words(one)})
			continue
		}
		rights = append(rights, atoms(holder, effect == "Deny", statement)...)
	}
	return rights
}

// maxAtoms bounds into how many rights one statement is taken apart.
const maxAtoms = 5000

func atoms(holder string, deny bool, statement map[string]any) (rights []right) {
	condition := ""
	if statement["Condition"] != nil {
		condition = words(statement["Condition"])
	}
	who, actions, resources := orOne(principals(statement)), orOne(either(statement, "Action")), orOne(either(statement, "Resource"))
	if len(who)*len(actions)*len(resources) > maxAtoms {
		return []right{{holder: holder, opaque: words(statement)}}
	}
	for _, principal := range who {
		for _, action := range actions {
			for _, resource := range resources {
				rights = append(rights, right{holder: holder, deny: deny, principal: principal, action: action, resource: resource, condition: condition})
			}
		}
	}
	return rights
}

func either(statement map[string]any, key string) (texts []string) {
	for _, value := range many(statement[key]) {
		texts = append(texts, words(value))
	}
	if not := many(statement["Not"+key]); len(not) > 0 {
		texts = append(texts, "not "+words(any(not)))
	}
	return texts
}

// principals are those that a statement is about, such as "lambda.amazonaws.com".
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
				texts = append(texts, words(value))
			}
		}
	}
	if not := statement["NotPrincipal"]; not != nil {
		texts = append(texts, "not "+words(not))
	}
	return texts
}

func orOne(texts []string) []string {
	if len(texts) == 0 {
		return []string{""}
	}
	return texts
}
