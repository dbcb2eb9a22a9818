package diff

import (
	"maps"
	"slices"
	"strings"
)

// Kind is the kind of a permission.
type Kind string

const (
	// IAM is a policy, a role's trust, a managed policy or a permission.
	IAM Kind = "iam"
	// Network is a rule of a security group.
	Network Kind = "network"
)

// Broadening is one permission that becomes broader.
type Broadening struct {
	LogicalID string `json:"logicalId"` // of the resource that grants it
	Kind      Kind   `json:"kind"`
	Text      string `json:"text"` // such as "lambda.amazonaws.com may assume ${Role}"

	// Nested are the logical ids of the nested stack that has the resource, outermost first.
	Nested []string `json:"nested,omitempty"`
	Path   string   `json:"path,omitempty"` // construct path, if known
}

// Broadenings returns what the second template allows and the first does not. A
// statement that allows less than an earlier one does not count, a statement with
// other conditions does. What only CloudFormation can resolve counts if it changes.
func Broadenings(before, after Template) []Broadening {
	return slices.Concat(broaderPermissions(before, after), broaderRules(before, after), redefined(before, after), newMacros(before, after))
}

func broaderPermissions(before, after Template) (found []Broadening) {
	was, is := permissionsOf(before), permissionsOf(after)
	old := slices.Concat(slices.Collect(maps.Values(was))...)
	for _, id := range slices.Sorted(maps.Keys(is)) {
		var more []permission
		for _, now := range is[id] {
			isNew := now.isDefault() && before.Resources[id].Type == ""
			covered := slices.ContainsFunc(old, func(r permission) bool { return r.covers(now) })
			if !now.deny && !covered && !isNew && !slices.Contains(more, now) {
				more = append(more, now)
			}
		}
		for _, text := range sentences(more) {
			found = append(found, Broadening{LogicalID: id, Kind: IAM, Text: text})
		}
	}
	return append(found, removedDenials(was, is, after)...)
}

// removedDenials returns denials that are removed while the denied identity remains.
func removedDenials(was, is granted, after Template) (found []Broadening) {
	now := slices.Concat(slices.Collect(maps.Values(is))...)
	for _, id := range slices.Sorted(maps.Keys(was)) {
		var gone []permission
		for _, r := range was[id] {
			if r.deny && !slices.Contains(now, r) && after.has(r.holder) {
				r.deny = false
				gone = append(gone, r)
			}
		}
		for _, text := range sentences(gone) {
			found = append(found, Broadening{LogicalID: id, Kind: IAM, Text: "no longer denied: " + text})
		}
	}
	return found
}

// has reports whether the resource that a holder refers to is in the template, or whether it refers to none.
func (t Template) has(holder string) bool {
	name, isReference := strings.CutPrefix(strings.TrimPrefix(holder, trust+" "), "${")
	if !isReference {
		return true
	}
	name, _, _ = strings.Cut(strings.TrimSuffix(name, "}"), ".")
	_, found := t.Resources[name]
	return found
}

// sentences describes permissions; those that differ only in their actions are joined.
func sentences(permissions []permission) []string {
	var order []permission
	actions := map[permission][]string{}
	for _, r := range permissions {
		key := r
		key.action = ""
		switch {
		case r.action == opens:
			key.action, key.resource, key.condition = r.action, "", ""
			actions[key] = append(actions[key], r.resource)
			if len(actions[key]) == 1 {
				order = append(order, key)
			}
			continue
		case slices.Contains(stated, r.action) || r.action == unsigned:
			key.action = r.action
		}
		if actions[key] == nil {
			order = append(order, key)
		}
		actions[key] = append(actions[key], r.action)
	}
	var texts []string
	for _, key := range order {
		texts = append(texts, sentence(key, strings.Join(actions[key], ", ")))
	}
	return texts
}

func sentence(r permission, actions string) string {
	who := r.holder
	if r.principal != "" {
		who = r.principal
	}
	text := ""
	role, isTrust := strings.CutPrefix(r.holder, trust+" ")
	switch {
	case r.opaque != "":
		return strings.TrimPrefix(r.holder, trust+" ") + " gets a statement that only CloudFormation can resolve: " + r.opaque
	case r.action == opens:
		return r.holder + " " + opens + " " + actions
	case r.action == unsigned:
		return who + " " + unsigned + " " + r.holder + " without signing in"
	case slices.Contains(stated, r.action):
		return strings.TrimSpace(r.holder + " " + r.action + " " + r.resource)
	case isTrust:
		text = who + " may assume " + role + " (" + actions + ")"
	default:
		text = who + " may " + actions
		on := r.resource
		if r.principal != "" && (on == "" || on == "*") {
			on = r.holder // * is all of the resource that has the policy
		}
		if on != "" {
			text += " on " + on
		}
	}
	if r.condition != "" {
		text += " if " + r.condition
	}
	return text
}
