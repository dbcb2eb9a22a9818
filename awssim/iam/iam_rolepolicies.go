package iam

import (
	"maps"
	"net/url"
	"slices"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

func (d *Directory) rolePolicyOperations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"PutRolePolicy":                 wire.Plain(d.putRolePolicy, "PolicyDocument", "PolicyName", "RoleName"),
		"GetRolePolicy":                 wire.Plain(d.getRolePolicy, "PolicyName", "RoleName"),
		"ListRolePolicies":              wire.Plain(d.listRolePolicies, "RoleName"),
		"DeleteRolePolicy":              wire.Plain(d.deleteRolePolicy, "PolicyName", "RoleName"),
		"AttachRolePolicy":              wire.Plain(d.attachRolePolicy, "PolicyArn", "RoleName"),
		"DetachRolePolicy":              wire.Plain(d.detachRolePolicy, "PolicyArn", "RoleName"),
		"ListAttachedRolePolicies":      wire.Plain(d.listAttachedRolePolicies, "RoleName"),
		"PutRolePermissionsBoundary":    wire.Plain(d.putRolePermissionsBoundary, "PermissionsBoundary", "RoleName"),
		"DeleteRolePermissionsBoundary": wire.Plain(d.deleteRolePermissionsBoundary, "RoleName"),
	}
}

func (d *Directory) putRolePolicy(call *wire.Call) (any, error) {
	return d.changeRole(call, func(role *Role) error {
		role.Inline[call.Form.Get("PolicyName")] = call.Form.Get("PolicyDocument")
		return nil
	})
}

func (d *Directory) getRolePolicy(call *wire.Call) (any, error) {
	if err := permitRole(call); err != nil {
		return nil, err
	}
	name := call.Form.Get("PolicyName")
	role, err := d.Role(call.Caller.Account, call.Form.Get("RoleName"))
	if err != nil {
		return nil, err
	}
	document, ok := role.Inline[name]
	if !ok {
		return nil, noEntity("The role policy with name %s cannot be found.", name)
	}
	return struct{ RoleName, PolicyName, PolicyDocument string }{role.Name, name, url.QueryEscape(document)}, nil
}

func (d *Directory) listRolePolicies(call *wire.Call) (any, error) {
	if err := permitRole(call); err != nil {
		return nil, err
	}
	role, err := d.Role(call.Caller.Account, call.Form.Get("RoleName"))
	return struct {
		Names       []string `xml:"PolicyNames>member"`
		IsTruncated bool
	}{Names: slices.Sorted(maps.Keys(role.Inline))}, err
}

func (d *Directory) deleteRolePolicy(call *wire.Call) (any, error) {
	return d.changeRole(call, func(role *Role) error {
		name := call.Form.Get("PolicyName")
		if _, ok := role.Inline[name]; !ok {
			return noEntity("The role policy with name %s cannot be found.", name)
		}
		delete(role.Inline, name)
		return nil
	})
}

// attachable says whether the policy exists where the caller may use it.
func (d *Directory) attachable(call *wire.Call, arn string) error {
	if !reachable(call, arn) {
		return noEntity("Policy %s does not exist or is not attachable.", arn)
	}
	_, err := d.Policy(arn)
	return err
}

func (d *Directory) attachRolePolicy(call *wire.Call) (any, error) {
	arn := call.Form.Get("PolicyArn")
	if err := d.attachable(call, arn); err != nil {
		return nil, err
	}
	return d.changeRole(call, func(role *Role) error {
		if !slices.Contains(role.Attached, arn) {
			role.Attached = append(role.Attached, arn)
		}
		return nil
	})
}

func (d *Directory) detachRolePolicy(call *wire.Call) (any, error) {
	return d.changeRole(call, func(role *Role) error {
		arn := call.Form.Get("PolicyArn")
		at := slices.Index(role.Attached, arn)
		if at < 0 {
			return noEntity("Policy %s was not found.", arn)
		}
		role.Attached = slices.Delete(role.Attached, at, at+1)
		return nil
	})
}

func (d *Directory) listAttachedRolePolicies(call *wire.Call) (any, error) {
	if err := permitRole(call); err != nil {
		return nil, err
	}
	type attached struct {
		Name string `xml:"PolicyName"`
		ARN  string `xml:"PolicyArn"`
	}
	role, err := d.Role(call.Caller.Account, call.Form.Get("RoleName"))
	var list []attached
	for _, arn := range role.Attached {
		list = append(list, attached{lastPart(arn), arn})
	}
	return struct {
		Attached    []attached `xml:"AttachedPolicies>member"`
		IsTruncated bool
	}{Attached: list}, err
}

func (d *Directory) putRolePermissionsBoundary(call *wire.Call) (any, error) {
	arn := call.Form.Get("PermissionsBoundary")
	if err := d.attachable(call, arn); err != nil {
		return nil, err
	}
	return d.changeRole(call, func(role *Role) error {
		role.Boundary = arn
		return nil
	})
}

func (d *Directory) deleteRolePermissionsBoundary(call *wire.Call) (any, error) {
	return d.changeRole(call, func(role *Role) error {
		role.Boundary = ""
		return nil
	})
}
