package diff

import (
	"maps"
	"slices"
	"strings"
)

// Kind says by what somebody may do more than before.
type Kind string

const (
	// IAM is a policy, a role's trust, a managed policy or a permission.
	IAM Kind = "iam"
	// Network is a rule of a security group.
	Network Kind = "network"
)

// Broadening is one way in which somebody may do more than before.
type Broadening struct {
	LogicalID string `json:"logicalId"` // of the resource that says so
	Kind      Kind   `json:"kind"`
	Text      string `json:"text"` // such as "lambda.amazonaws.com may assume ${Role}"

	// Nested are the logical ids that lead to the nested stack whose resource it is.
	Nested []string `json:"nested,omitempty"`
	Path   string   `json:"path,omitempty"` // of the resource's construct, where it is known
}

// Broadenings gives what the second template allows and the first does not. A
// statement that allows less than an earlier one is none, one that only names
// other conditions is.
func Broadenings(before, after Template) []Broadening {
	return append(broaderRights(before, after), broaderRules(before, after)...)
}

func broaderRights(before, after Template) (found []Broadening) {
	was, is := rightsOf(before), rightsOf(after)
	old := slices.Concat(slices.Collect(maps.Values(was))...)
	for _, id := range slices.Sorted(maps.Keys(is)) {
		var more []right
		for _, now := range is[id] {
			isNew := now.isDefault() && before.Resources[id].Type == ""
			covered := slices.ContainsFunc(old, func(r right) bool { return r.covers(now) })
			if !now.deny && !covered && !isNew && !slices.Contains(more, now) {
				more = append(more, now)
			}
		}
		for _, text := range sentences(more) {
			found = append(found, Broadening{LogicalID: id, Kind: IAM, Text: text})
		}
	}
	return append(found, goneDenials(was, is, after)...)
}

// goneDenials are denials that nobody makes any more, as far as whom they held
// back is still there.
func goneDenials(was, is held, after Template) (found []Broadening) {
	now := slices.Concat(slices.Collect(maps.Values(is))...)
	for _, id := range slices.Sorted(maps.Keys(was)) {
		var gone []right
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

// has says whether what a holder refers to is in the template, or is no resource of one.
func (t Template) has(holder string) bool {
	name, isReference := strings.CutPrefix(strings.TrimPrefix(holder, trust+" "), "${")
	if !isReference {
		return true
	}
	name, _, _ = strings.Cut(strings.TrimSuffix(name, "}"), ".")
	_, found := t.Resources[name]
	return found
}

// sentences joins rights that differ in their actions only.
func sentences(rights []right) []string {
	var order []right
	actions := map[right][]string{}
	for _, r := range rights {
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

func sentence(r right, actions string) string {
	who := r.holder
	if r.principal != "" {
		who = r.principal
	}
	text := ""
	role, isTrust := strings.CutPrefix(r.holder, trust+" ")
	switch {
	case r.opaque != "":
		return strings.TrimPrefix(r.holder, trust+" ") + " gets a statement that only CloudFormation can work out: " + r.opaque
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
			on = r.holder // whose policy it is: * is all of that
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
