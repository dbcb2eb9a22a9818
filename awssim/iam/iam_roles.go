package iam

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

func (d *Directory) roleOperations() map[string]wire.Handler {
	return map[string]wire.Handler{
		"CreateRole":             wire.Plain(d.createRole, "AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "Path", "PermissionsBoundary", "RoleName", "Tags.Key", "Tags.Value"),
		"GetRole":                wire.Plain(d.getRole, "RoleName"),
		"ListRoles":              wire.Plain(d.listRoles, "PathPrefix"),
		"DeleteRole":             wire.Plain(d.deleteRole, "RoleName"),
		"UpdateRole":             wire.Plain(d.updateRole, "Description", "MaxSessionDuration", "RoleName"),
		"UpdateAssumeRolePolicy": wire.Plain(d.updateAssumeRolePolicy, "PolicyDocument", "RoleName"),
		"TagRole":                wire.Plain(d.tagRole, "RoleName", "Tags.Key", "Tags.Value"),
		"UntagRole":              wire.Plain(d.untagRole, "RoleName", "TagKeys"),
		"ListRoleTags":           wire.Plain(d.listRoleTags, "RoleName"),
	}
}

type roleResult struct{ Role roleView }

// permitRole asks for the right to do the call's operation on the role the
// form names.
func permitRole(call *wire.Call) error {
	return call.Permit("iam:"+call.Operation, iamARN(call, "role/"+call.Form.Get("RoleName")))
}

func (d *Directory) createRole(call *wire.Call) (any, error) {
	if err := permitRole(call); err != nil {
		return nil, err
	}
	form := call.Form
	seconds, err := sessionSeconds(form.Get("MaxSessionDuration"))
	if err != nil {
		return nil, err
	}
	role, err := d.CreateRole(call.Caller.Account, call.Partition(), Role{
		Name: form.Get("RoleName"), Path: form.Get("Path"), Description: form.Get("Description"), MaxSession: seconds,
		Trust: form.Get("AssumeRolePolicyDocument"), Boundary: form.Get("PermissionsBoundary"), Tags: wire.Tags(form, "Tags"),
	})
	return roleResult{viewRole(role)}, err
}

func sessionSeconds(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	seconds, err := strconv.Atoi(text)
	if err != nil {
		return 0, wire.Commonf(wire.ValidationFailed, "MaxSessionDuration %q is no number", text)
	}
	return seconds, nil
}

func (d *Directory) getRole(call *wire.Call) (any, error) {
	if err := permitRole(call); err != nil {
		return nil, err
	}
	role, err := d.Role(call.Caller.Account, call.Form.Get("RoleName"))
	return roleResult{viewRole(role)}, err
}

func (d *Directory) listRoles(call *wire.Call) (any, error) {
	prefix := call.Form.Get("PathPrefix")
	if err := call.Permit("iam:ListRoles", iamARN(call, "role/"+strings.TrimPrefix(prefix, "/"))); err != nil {
		return nil, err
	}
	var views []roleView
	for _, role := range d.Roles(call.Caller.Account, prefix) {
		views = append(views, viewRole(role))
	}
	return struct {
		Roles       []roleView `xml:"Roles>member"`
		IsTruncated bool
	}{Roles: views}, nil
}

func (d *Directory) deleteRole(call *wire.Call) (any, error) {
	if err := permitRole(call); err != nil {
		return nil, err
	}
	return nil, d.DeleteRole(call.Caller.Account, call.Form.Get("RoleName"), false)
}

// changeRole runs an operation that edits the role the form names.
func (d *Directory) changeRole(call *wire.Call, change func(*Role) error) (any, error) {
	if err := permitRole(call); err != nil {
		return nil, err
	}
	_, err := d.ChangeRole(call.Caller.Account, call.Form.Get("RoleName"), change)
	return nil, err
}

func (d *Directory) updateRole(call *wire.Call) (any, error) {
	return d.changeRole(call, func(role *Role) error {
		seconds, err := sessionSeconds(call.Form.Get("MaxSessionDuration"))
		if seconds != 0 {
			role.MaxSession = seconds
		}
		if call.Form.Has("Description") {
			role.Description = call.Form.Get("Description")
		}
		return err
	})
}

func (d *Directory) updateAssumeRolePolicy(call *wire.Call) (any, error) {
	return d.changeRole(call, func(role *Role) error {
		role.Trust = call.Form.Get("PolicyDocument")
		return nil
	})
}

func (d *Directory) tagRole(call *wire.Call) (any, error) {
	return d.changeRole(call, func(role *Role) error {
		maps.Copy(role.Tags, wire.Tags(call.Form, "Tags"))
		return nil
	})
}

func (d *Directory) untagRole(call *wire.Call) (any, error) {
	return d.changeRole(call, func(role *Role) error {
		gone := wire.List(call.Form, "TagKeys")
		maps.DeleteFunc(role.Tags, func(key, _ string) bool { return slices.Contains(gone, key) })
		return nil
	})
}

func (d *Directory) listRoleTags(call *wire.Call) (any, error) {
	if err := permitRole(call); err != nil {
		return nil, err
	}
	role, err := d.Role(call.Caller.Account, call.Form.Get("RoleName"))
	return struct {
		Tags        []tag `xml:"Tags>member"`
		IsTruncated bool
	}{Tags: tagList(role.Tags)}, err
}
