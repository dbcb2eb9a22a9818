package policy

import (
	"strings"
)

// Keys are the condition keys of a request with their values. Names do not
// differ by case.
type Keys map[string][]string

func (k Keys) get(name string) ([]string, bool) {
	values, ok := k[strings.ToLower(name)]
	return values, ok && len(values) > 0
}

func (k Keys) lower() Keys {
	lowered := make(Keys, len(k))
	for name, values := range k {
		lowered[strings.ToLower(name)] = values
	}
	return lowered
}

// callerKeys are the global keys that follow from the caller and the resource.
func callerKeys(caller Caller, q Question) Keys {
	keys := Keys{}
	set := func(name, value string) {
		if value != "" {
			keys[strings.ToLower(name)] = []string{value}
		}
	}
	arn := caller.ARN
	if caller.RoleARN != "" {
		arn = caller.RoleARN
	}
	set("aws:PrincipalArn", arn)
	set("aws:PrincipalAccount", caller.Account)
	set("aws:PrincipalType", caller.kind())
	set("aws:userid", caller.UserID)
	set("aws:ResourceAccount", q.Account)
	if q.Account == "" {
		set("aws:ResourceAccount", caller.Account)
	}
	for name, value := range caller.Tags {
		set("aws:PrincipalTag/"+name, value)
	}
	return keys
}

func (c Caller) kind() string {
	switch {
	case c.RoleARN != "":
		return "AssumedRole"
	case c.Account != "":
		return "User"
	}
	return ""
}
