package diff

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// granted are the permissions that a template grants, by the logical id of the granting
// resource.
type granted map[string][]permission

// permissionsOf returns the permissions in policy documents, managed policies, and
// permissions of Lambda functions.
func permissionsOf(t Template) granted {
	all := granted{}
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
				all.add(id, permission{holder: format(user), action: member, resource: format(r.Properties["GroupName"])})
			}
		case "AWS::Lambda::Url":
			if format(r.Properties["AuthType"]) == "NONE" {
				all.add(id, permission{holder: format(r.Properties["TargetFunctionArn"]), principal: "everyone", action: unsigned})
			}
		case "AWS::Lambda::Permission", "AWS::Lambda::LayerVersionPermission":
			all.add(id, lambdaPermission(r))
		case "AWS::SSO::Assignment":
			all.add(id, permission{
				holder: format(r.Properties["PrincipalId"]), action: "sign in with the permission set " + format(r.Properties["PermissionSetArn"]),
				resource: format(r.Properties["TargetId"]),
			})
		}
	}
	return all
}

func (h granted) add(id string, permissions ...permission) {
	if len(permissions) > 0 {
		h[id] = append(h[id], permissions...)
	}
}

// attachments are the properties of a policy resource that name the identities
// and resources it is attached to.
var attachments = []string{
	"Roles", "Users", "Groups", "RoleName", "UserName", "GroupName", "Bucket", "Queues", "Topics", "SecretId", "EventBusName", "ResourceArn",
}

// holdersOf returns the identities or resources that a policy is attached to, or
// the resource itself.
func holdersOf(id string, r Resource) (holders []string) {
	if strings.HasSuffix(r.Type, "Policy") {
		for _, key := range attachments {
			for _, one := range many(r.Properties[key]) {
				holders = append(holders, format(one))
			}
		}
	}
	if holders == nil {
		return []string{"${" + id + "}"}
	}
	return holders
}

// documents finds policy documents anywhere in a resource's properties. The trust
// policy of a role has a distinct holder.
func documents(holder, key string, value any) (permissions []permission) {
	switch v := value.(type) {
	case map[string]any:
		if _, is := v["Statement"]; is {
			return statements(holderOf(holder, key), v)
		}
		for _, inner := range slices.Sorted(maps.Keys(v)) {
			below := inner
			if isFunction(v) {
				below = key // its result is the value of the key
			}
			permissions = append(permissions, documents(holder, below, v[inner])...)
		}
		if resolved := isFunction(v) && v["Fn::If"] == nil && format(v) != "${AWS::NoValue}"; resolved && permissions == nil && isPolicy(key) {
			return []permission{{holder: holderOf(holder, key), opaque: format(v)}}
		}
	case []any:
		for _, inner := range v {
			permissions = append(permissions, documents(holder, key, inner)...)
		}
	case string: // some types take a policy as text
		var document map[string]any
		switch {
		case strings.HasPrefix(strings.TrimSpace(v), "{") && json.Unmarshal([]byte(v), &document) == nil && document["Statement"] != nil:
			return documents(holder, key, document)
		case isPolicy(key) && strings.Contains(v, "{{resolve:"):
			return []permission{{holder: holderOf(holder, key), opaque: v}}
		}
	}
	return permissions
}

func holderOf(holder, key string) string {
	if key == trust {
		return trust + " " + holder
	}
	return holder
}

// policies are properties whose value is a policy document or a list of them, besides those
// that end with PolicyDocument.
var policies = []string{
	"AccessPolicies", "AccessPolicy", "FileSystemPolicy", "InlinePolicy", "KeyPolicy", "Policies", "Policy", "PolicyText", "RepositoryPolicyText", "ResourcePolicy",
}

func isPolicy(key string) bool {
	return strings.HasSuffix(key, "PolicyDocument") || slices.Contains(policies, key)
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

// stated are actions that follow their holder in a sentence, without "may".
var stated = []string{attached, member, unbound, bound, listed}

// managed returns the policies and groups that a resource refers to, and its
// boundary or the lack of one.
func managed(holder string, r Resource) (permissions []permission) {
	for _, key := range []string{"ManagedPolicyArns", "ManagedPolicies"} {
		for _, policy := range many(r.Properties[key]) {
			permissions = append(permissions, permission{holder: holder, action: attached, resource: format(policy)})
		}
	}
	for _, policy := range many(r.Properties["CustomerManagedPolicyReferences"]) {
		permissions = append(permissions, permission{holder: holder, action: attached, resource: customerManaged(policy)})
	}
	switch r.Type {
	case "AWS::IAM::User":
		for _, group := range many(r.Properties["Groups"]) {
			permissions = append(permissions, permission{holder: holder, action: member, resource: format(group)})
		}
	case "AWS::IAM::Role", "AWS::SSO::PermissionSet":
	default:
		return permissions
	}
	if boundary := r.Properties["PermissionsBoundary"]; boundary != nil {
		return append(permissions, permission{holder: holder, action: bound, resource: boundaryName(boundary)})
	}
	return append(permissions, permission{holder: holder, action: unbound})
}

// customerManaged returns the path and name of a permission set's customer managed policy.
func customerManaged(reference any) string {
	p, isMap := reference.(map[string]any)
	if !isMap || isFunction(p) {
		return format(reference)
	}
	return strings.TrimSuffix(format(p["Path"]), "/") + "/" + format(p["Name"])
}

// boundaryName returns the name of a boundary: an ARN, or a managed policy of a permission set.
func boundaryName(boundary any) string {
	p, isMap := boundary.(map[string]any)
	switch {
	case !isMap || isFunction(p):
		return format(boundary)
	case p["ManagedPolicyArn"] != nil:
		return format(p["ManagedPolicyArn"])
	}
	return customerManaged(p["CustomerManagedPolicyReference"])
}

// publicBlocks are the settings that block public access.
var publicBlocks = []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"}

// openings returns how a bucket or access point allows public access: each
// setting that is off, and an access control list for everyone.
func openings(holder string, r Resource) (permissions []permission) {
	if !strings.HasPrefix(r.Type, "AWS::S3::") {
		return nil
	}
	if acl := format(r.Properties["AccessControl"]); strings.HasPrefix(acl, "Public") || acl == "AuthenticatedRead" {
		permissions = append(permissions, permission{holder: holder, action: listed, resource: acl})
	}
	if r.Type != "AWS::S3::Bucket" && r.Type != "AWS::S3::AccessPoint" {
		return permissions
	}
	block, _ := r.Properties["PublicAccessBlockConfiguration"].(map[string]any)
	for _, part := range publicBlocks {
		if text := format(block[part]); text == "" || text == "false" {
			permissions = append(permissions, permission{holder: holder, action: opens, resource: part, condition: text})
		}
	}
	return permissions
}

func lambdaPermission(r Resource) permission {
	target := format(r.Properties["FunctionName"])
	if r.Type == "AWS::Lambda::LayerVersionPermission" {
		target = format(r.Properties["LayerVersionArn"])
	}
	condition := map[string]any{}
	for _, key := range []string{"SourceArn", "SourceAccount", "EventSourceToken", "FunctionUrlAuthType", "PrincipalOrgID", "OrganizationId"} {
		if value := r.Properties[key]; value != nil {
			condition[key] = format(value)
		}
	}
	found := permission{holder: target, principal: format(r.Properties["Principal"]), action: format(r.Properties["Action"]), resource: target}
	if len(condition) > 0 {
		found.condition = format(condition)
	}
	return found
}
