package difference

import (
	"maps"
	"slices"
	"strings"
)

// held are the rights that a template gives, by the logical id of the resource
// that gives them.
type held map[string][]right

// rightsOf finds every policy document in a template, managed policies, and
// permissions of Lambda functions.
func rightsOf(t Template) held {
	all := held{}
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		r := t.Resources[id]
		holders := holdersOf(id, r)
		for _, holder := range holders {
			all.add(id, documents(holder, "", r.Properties)...)
			all.add(id, managed(holder, r)...)
		}
		switch r.Type {
		case "AWS::Lambda::Permission", "AWS::Lambda::LayerVersionPermission":
			all.add(id, lambdaPermission(r))
		case "AWS::SSO::Assignment":
			all.add(id, right{
				holder: words(r.Properties["PrincipalId"]), action: "enter with the permission set " + words(r.Properties["PermissionSetArn"]),
				resource: words(r.Properties["TargetId"]),
			})
		}
	}
	return all
}

func (h held) add(id string, rights ...right) {
	if len(rights) > 0 {
		h[id] = append(h[id], rights...)
	}
}

// attachments are the properties by which a policy of its own names whom or
// what it is for.
var attachments = []string{
	"Roles", "Users", "Groups", "RoleName", "UserName", "GroupName", "Bucket", "Queues", "Topics", "SecretId", "EventBusName", "ResourceArn",
}

// holdersOf are the identities or resources that a policy is attached to, or
// the resource that has the policy itself.
func holdersOf(id string, r Resource) (holders []string) {
	if strings.HasSuffix(r.Type, "Policy") {
		for _, key := range attachments {
			for _, one := range many(r.Properties[key]) {
				holders = append(holders, words(one))
			}
		}
	}
	if holders == nil {
		return []string{"${" + id + "}"}
	}
	return holders
}

// documents looks for policy documents anywhere in a resource's properties.
// That of who may assume a role has its own holder, as it is not the role's.
func documents(holder, key string, value any) (rights []right) {
	switch v := value.(type) {
	case map[string]any:
		if _, is := v["Statement"]; is {
			if key == trust {
				holder = trust + " " + holder
			}
			return statements(holder, v)
		}
		for _, inner := range slices.Sorted(maps.Keys(v)) {
			rights = append(rights, documents(holder, inner, v[inner])...)
		}
	case []any:
		for _, inner := range v {
			rights = append(rights, documents(holder, key, inner)...)
		}
	}
	return rights
}

const (
	trust    = "AssumeRolePolicyDocument"
	attached = "has the policy"
	unbound  = "has no permissions boundary"
)

// managed are the policies that a resource only names, and the lack of a boundary.
func managed(holder string, r Resource) (rights []right) {
	for _, key := range []string{"ManagedPolicyArns", "ManagedPolicies"} {
		for _, policy := range many(r.Properties[key]) {
			rights = append(rights, right{holder: holder, action: attached, resource: words(policy)})
		}
	}
	if r.Type == "AWS::IAM::Role" || r.Type == "AWS::IAM::User" {
		if boundary := r.Properties["PermissionsBoundary"]; boundary == nil {
			rights = append(rights, right{holder: holder, action: unbound})
		}
	}
	return rights
}

func lambdaPermission(r Resource) right {
	target := words(r.Properties["FunctionName"])
	if r.Type == "AWS::Lambda::LayerVersionPermission" {
		target = words(r.Properties["LayerVersionArn"])
	}
	condition := map[string]any{}
	for _, key := range []string{"SourceArn", "SourceAccount", "EventSourceToken", "FunctionUrlAuthType", "PrincipalOrgID", "OrganizationId"} {
		if value := r.Properties[key]; value != nil {
			condition[key] = words(value)
		}
	}
	found := right{holder: target, principal: words(r.Properties["Principal"]), action: words(r.Properties["Action"]), resource: target}
	if len(condition) > 0 {
		found.condition = words(condition)
	}
	return found
}
