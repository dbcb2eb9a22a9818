package sam

import (
	"fmt"
	"reflect"
)

// role is the role of a function or state machine that is being made.
type role struct {
	m        *maker
	trust    any
	managed  []any // policies
	inline   []any
	path     any
	boundary any
	tags     any
}

// readRole reads the settings of the function's role.
func (f *function) readRole() {
	basic := "service-role/AWSLambdaBasicExecutionRole"
	if f.made["DurableConfig"] != nil {
		basic = "service-role/AWSLambdaBasicDurableExecutionRolePolicy"
	}
	f.role = &role{
		m: f.maker, trust: f.p.take("AssumeRolePolicyDocument"), managed: []any{f.maker.managed(basic)},
		path: f.p.take("RolePath"), boundary: f.p.take("PermissionsBoundary"),
	}
	if f.role.trust == nil {
		f.role.trust = trust("lambda.amazonaws.com")
	}
}

// policies reads the property Policies: names and ARNs of managed policies,
// documents, and policy templates.
func (r *role) policies(list []any) {
	for i, policy := range list {
		name := fmt.Sprintf("%sRolePolicy%d", r.m.id, i)
		members, _ := policy.(map[string]any)
		if branches, _ := members["Fn::If"].([]any); len(branches) == 3 {
			r.either(name, branches)
			continue
		}
		if managed := r.managedPolicy(policy); managed != nil {
			r.managed = unlike(r.managed, managed)
		} else if document := r.document(policy); document != nil {
			r.inline = append(r.inline, map[string]any{"PolicyName": name, "PolicyDocument": document})
		}
	}
}

// managedPolicy is a policy that is a name, an ARN, or computed.
func (r *role) managedPolicy(policy any) any {
	if text, ok := policy.(string); ok {
		return r.m.managed(text)
	}
	if intrinsic(policy) != "" {
		return policy
	}
	return nil
}

// document is a policy that is written out, or made by a template.
func (r *role) document(policy any) any {
	members, ok := policy.(map[string]any)
	if !ok {
		r.m.invalid("Property 'Policies' has an invalid policy %v.", policy)
		return nil
	}
	if members["Statement"] != nil {
		return members
	}
	if len(members) != 1 {
		r.m.invalid("Policy has neither 'Statement' nor the one name of a policy template: %v.", sortedKeys(members))
		return nil
	}
	for template, parameters := range members {
		return r.fromTemplate(template, parameters)
	}
	return nil
}

// either is a policy that a condition decides on.
func (r *role) either(name string, branches []any) {
	made := []any{branches[0]}
	documents := 0
	for _, branch := range branches[1:] {
		switch {
		case isRef(branch) == "AWS::NoValue":
			made = append(made, branch)
		case r.managedPolicy(branch) != nil:
			made = append(made, r.managedPolicy(branch))
		default:
			documents++
			made = append(made, map[string]any{"PolicyName": name, "PolicyDocument": r.document(branch)})
		}
	}
	if documents > 0 {
		r.inline = append(r.inline, map[string]any{"Fn::If": made})
		return
	}
	r.managed = append(r.managed, map[string]any{"Fn::If": made})
}

// add makes the role, and gives its ARN.
func (r *role) add(id string) any {
	made := map[string]any{"AssumeRolePolicyDocument": r.trust}
	for name, value := range map[string]any{"Path": r.path, "PermissionsBoundary": r.boundary, "Tags": r.tags} {
		if value != nil {
			made[name] = value
		}
	}
	if r.managed != nil {
		made["ManagedPolicyArns"] = r.managed
	}
	if len(r.inline) > 0 {
		made["Policies"] = r.inline
	}
	r.m.add(id, "AWS::IAM::Role", made)
	return getAtt(id, "Arn")
}

// unlike appends what no member of the list equals.
func unlike(list []any, value any) []any {
	for _, member := range list {
		if reflect.DeepEqual(member, value) {
			return list
		}
	}
	return append(list, value)
}
