package diff

import (
	"encoding/json"
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
			all.add(id, openings(holder, r)...)
		}
		switch r.Type {
		case "AWS::IAM::UserToGroupAddition":
			for _, user := range many(r.Properties["Users"]) {
				all.add(id, right{holder: words(user), action: member, resource: words(r.Properties["GroupName"])})
			}
		case "AWS::Lambda::Url":
			if words(r.Properties["AuthType"]) == "NONE" {
				all.add(id, right{holder: words(r.Properties["TargetFunctionArn"]), principal: "everyone", action: unsigned})
			}
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
	case string: // some types take a policy as text
		var document map[string]any
		if strings.HasPrefix(strings.TrimSpace(v), "{") && json.Unmarshal([]byte(v), &document) == nil && document["Statement"] != nil {
			return documents(holder, key, document)
		}
	}
	return rights
}

const (
	trust    = "AssumeRolePolicyDocument"
	attached = "has the policy"
	member   = "is in the group"
	unbound  = "has no permissions boundary"
	bound    = "has another permissions boundary:"
	unsigned = "may call the URL of"
	listed   = "has the access control list"
	opens    = "does not block public access by"
)

// stated are actions that are told as they stand, after who has them.
var stated = []string{attached, member, unbound, bound, listed}

// managed are the policies and groups that a resource only names, and its
// boundary or the lack of one.
func managed(holder string, r Resource) (rights []right) {
	for _, key := range []string{"ManagedPolicyArns", "ManagedPolicies"} {
		for _, policy := range many(r.Properties[key]) {
			rights = append(rights, right{holder: holder, action: attached, resource: words(policy)})
		}
	}
	for _, policy := range many(r.Properties["CustomerManagedPolicyReferences"]) {
		rights = append(rights, right{holder: holder, action: attached, resource: customerManaged(policy)})
	}
	switch r.Type {
	case "AWS::IAM::User":
		for _, group := range many(r.Properties["Groups"]) {
			rights = append(rights, right{holder: holder, action: member, resource: words(group)})
		}
	case "AWS::IAM::Role", "AWS::SSO::PermissionSet":
	default:
		return rights
	}
	if boundary := r.Properties["PermissionsBoundary"]; boundary != nil {
		return append(rights, right{holder: holder, action: bound, resource: boundaryName(boundary)})
	}
	return append(rights, right{holder: holder, action: unbound})
}

// customerManaged names a policy of the account that a permission set takes by name and path.
func customerManaged(reference any) string {
	p, isMap := reference.(map[string]any)
	if !isMap || isFunction(p) {
		return words(reference)
	}
	return strings.TrimSuffix(words(p["Path"]), "/") + "/" + words(p["Name"])
}

// boundaryName names a boundary: an ARN, or of a permission set one of two kinds of policies.
func boundaryName(boundary any) string {
	p, isMap := boundary.(map[string]any)
	switch {
	case !isMap || isFunction(p):
		return words(boundary)
	case p["ManagedPolicyArn"] != nil:
		return words(p["ManagedPolicyArn"])
	}
	return customerManaged(p["CustomerManagedPolicyReference"])
}

// publicBlocks are what a block of public access holds back.
var publicBlocks = []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"}

// openings are the ways in which a bucket or access point lets the public in:
// each part of its block that is off, and an access control list for everyone.
func openings(holder string, r Resource) (rights []right) {
	if !strings.HasPrefix(r.Type, "AWS::S3::") {
		return nil
	}
	if acl := words(r.Properties["AccessControl"]); strings.HasPrefix(acl, "Public") || acl == "AuthenticatedRead" {
		rights = append(rights, right{holder: holder, action: listed, resource: acl})
	}
	if r.Type != "AWS::S3::Bucket" && r.Type != "AWS::S3::AccessPoint" {
		return rights
	}
	block, _ := r.Properties["PublicAccessBlockConfiguration"].(map[string]any)
	for _, part := range publicBlocks {
		if text := words(block[part]); text == "" || text == "false" {
			rights = append(rights, right{holder: holder, action: opens, resource: part, condition: text})
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
