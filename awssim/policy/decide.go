package policy

import (
	"fmt"
	"maps"
	"strings"
)

// Caller is who makes a request.
type Caller struct {
	Account   string // 12 digits; empty for a service or a web identity
	ARN       string // of the user, or of the session of a role
	RoleARN   string // of the role behind a session
	UserID    string
	Service   string // such as cloudformation.amazonaws.com, for a service that assumes a role
	Federated string // the identity provider's ARN, for a web identity
	Tags      map[string]string
	// Session are the session policies the credentials were narrowed by.
	Session []*Document
}

// Question is one action of a caller on a resource.
type Question struct {
	Action   string // service:Operation
	Resource string // ARN, or * where the action has none
	Account  string // the account that owns the resource; empty: the caller's own
	Keys     Keys   // condition keys of this request, beyond those of the caller
	// ResourcePolicy is the policy attached to the resource, such as a
	// bucket's or a role's trust policy; nil for none.
	ResourcePolicy *Document
	// Trust requires the resource policy to name the caller, as the
	// trust policy of a role must.
	Trust bool
}

// Rights are the permissions of the caller in its account. A request must match one
// of the Grants and, where there are Limits (permissions boundary, session
// policy), also one document of each limit.
type Rights struct {
	Grants []*Document
	Limits [][]*Document
}

// Decide returns nil if the action is allowed, else an error that explains
// the denial in AWS's words.
func Decide(caller Caller, rights Rights, q Question) error {
	request := newRequest(caller, q)
	if request.denied(rights) {
		return refusal(caller, q, "with an explicit deny in an identity-based policy")
	}
	resource := request.evaluate(q.ResourcePolicy, true)
	if resource.denied {
		return refusal(caller, q, "with an explicit deny in a resource-based policy")
	}
	own := request.granted(rights)
	foreign := q.Account != "" && caller.Account != "" && q.Account != caller.Account
	switch {
	case resource.match == byName && !foreign, resource.match != noMatch && own:
		return nil
	case q.Trust || foreign:
		if resource.match == noMatch {
			return refusal(caller, q, "because no resource-based policy allows the "+q.Action+" action")
		}
	case own:
		return nil
	}
	return refusal(caller, q, "because no identity-based policy allows the "+q.Action+" action")
}

// Refused is the error of Decide.
type Refused struct{ Message string }

func (r *Refused) Error() string { return r.Message }

func refusal(caller Caller, q Question, reason string) error {
	who := caller.ARN
	if who == "" {
		who = caller.Service + caller.Federated
	}
	return &Refused{Message: fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s",
		who, q.Action, q.Resource, reason)}
}

// request is a question with all its condition keys.
type request struct {
	Question
	caller Caller
	keys   Keys
}

func newRequest(caller Caller, q Question) request {
	keys := callerKeys(caller, q)
	maps.Copy(keys, q.Keys.lower())
	return request{Question: q, caller: caller, keys: keys}
}

type verdict struct {
	denied bool
	match  match // how the allowing statement means the caller
}

// evaluate decides on one document; only a resource policy has principals.
func (r request) evaluate(document *Document, ofResource bool) verdict {
	var v verdict
	if document == nil {
		return v
	}
	for _, statement := range document.Statements {
		found := byName
		if ofResource {
			found = statement.principal(r.caller)
		}
		if found == noMatch || !statement.applies(r) {
			continue
		}
		if !statement.Allow {
			v.denied = true
			continue
		}
		v.match = max(v.match, found)
	}
	return v
}

func (r request) denied(rights Rights) bool {
	for _, documents := range append([][]*Document{rights.Grants}, rights.Limits...) {
		for _, document := range documents {
			if r.evaluate(document, false).denied {
				return true
			}
		}
	}
	return false
}

func (r request) granted(rights Rights) bool {
	for _, documents := range append([][]*Document{rights.Grants}, rights.Limits...) {
		if !r.allowedByOne(documents) {
			return false
		}
	}
	return true
}

func (r request) allowedByOne(documents []*Document) bool {
	for _, document := range documents {
		if r.evaluate(document, false).match != noMatch {
			return true
		}
	}
	return false
}

func (s Statement) principal(caller Caller) match {
	if s.Not == nil {
		return s.Principals.of(caller)
	}
	if s.Not.of(caller) == noMatch {
		return byName
	}
	return noMatch
}

func (s Statement) applies(r request) bool {
	if !fitsList(r.Action, s.Actions, s.NotActions, actionLike) {
		return false
	}
	resourceLike := func(text, pattern string) bool { return Like(text, expand(pattern, r.keys)) }
	if len(s.Resources)+len(s.NotResources) > 0 && !fitsList(r.Resource, s.Resources, s.NotResources, resourceLike) {
		return false
	}
	for _, condition := range s.Conditions {
		if !condition.holds(r.keys) {
			return false
		}
	}
	return true
}

// actionLike compares without regard to case, as AWS does for actions.
func actionLike(text, pattern string) bool {
	return Like(strings.ToLower(text), strings.ToLower(pattern))
}

func fitsList(text string, listed, excluded []string, like func(text, pattern string) bool) bool {
	fits := func(patterns []string) bool {
		return anyOf(patterns, func(pattern string) bool { return like(text, pattern) })
	}
	if len(excluded) > 0 {
		return !fits(excluded)
	}
	return fits(listed)
}
