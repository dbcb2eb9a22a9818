package awssim

import (
	"slices"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/iam"
)

const longestIAMName = 64

func createRole(s *Server, req request) (cloudformation.Resource, error) {
	name := req.name("RoleName", longestIAMName)
	if err := s.permit(req, "iam:CreateRole", req.iamARN("role/"+name)); err != nil {
		return cloudformation.Resource{}, err
	}
	role := iam.Role{Name: name, Path: req.now.text("Path"), Inline: map[string]string{}}
	shapeRole(&role, req)
	role, err := s.identity.CreateRole(req.Scope.Account, req.Scope.Partition, role)
	return roleResource(role), err
}

func updateRole(s *Server, req request) (cloudformation.Resource, error) {
	if err := s.permit(req, "iam:UpdateRole", req.iamARN("role/"+req.PhysicalID)); err != nil {
		return cloudformation.Resource{}, err
	}
	role, err := s.identity.ChangeRole(req.Scope.Account, req.PhysicalID, func(role *iam.Role) error {
		unshapeRole(role, req)
		shapeRole(role, req)
		return nil
	})
	return roleResource(role), err
}

// shapeRole applies the template to a role.
func shapeRole(role *iam.Role, req request) {
	role.Trust = req.now.document("AssumeRolePolicyDocument")
	role.Description = req.now.text("Description")
	role.Boundary = req.now.text("PermissionsBoundary")
	role.MaxSession = max(req.now.number("MaxSessionDuration"), 3600)
	role.Tags = req.tags()
	for _, inline := range req.now.maps("Policies") {
		role.Inline[inline.text("PolicyName")] = inline.document("PolicyDocument")
	}
	for _, arn := range req.now.texts("ManagedPolicyArns") {
		if !slices.Contains(role.Attached, arn) {
			role.Attached = append(role.Attached, arn)
		}
	}
}

// unshapeRole removes from a role what the previous template set.
func unshapeRole(role *iam.Role, req request) {
	for _, inline := range req.old.maps("Policies") {
		delete(role.Inline, inline.text("PolicyName"))
	}
	gone := req.old.texts("ManagedPolicyArns")
	role.Attached = slices.DeleteFunc(role.Attached, func(arn string) bool { return slices.Contains(gone, arn) })
}

func roleResource(role iam.Role) cloudformation.Resource {
	return cloudformation.Resource{PhysicalID: role.Name, Attributes: map[string]any{"Arn": role.ARN, "RoleId": role.ID}}
}

func findRole(s *Server, req request) (cloudformation.Resource, error) {
	role, err := s.identity.Role(req.Scope.Account, req.now.text("RoleName"))
	return roleResource(role), err
}

// deleteRole removes a role unless others gave it policies.
func deleteRole(s *Server, req request) error {
	if err := s.permit(req, "iam:DeleteRole", req.iamARN("role/"+req.PhysicalID)); err != nil {
		return err
	}
	_, err := s.identity.ChangeRole(req.Scope.Account, req.PhysicalID, func(role *iam.Role) error {
		unshapeRole(role, req)
		return nil
	})
	if err != nil {
		return err
	}
	return s.identity.DeleteRole(req.Scope.Account, req.PhysicalID, false)
}

func createInlinePolicy(s *Server, req request) (cloudformation.Resource, error) {
	return putInlinePolicy(s, req, req.SuggestedID)
}

func updateInlinePolicy(s *Server, req request) (cloudformation.Resource, error) {
	if err := dropInlinePolicy(s, req, req.now.texts("Roles")); err != nil {
		return cloudformation.Resource{}, err
	}
	return putInlinePolicy(s, req, req.PhysicalID)
}

func putInlinePolicy(s *Server, req request, id string) (cloudformation.Resource, error) {
	name := req.now.text("PolicyName")
	for _, role := range req.now.texts("Roles") {
		if err := s.permit(req, "iam:PutRolePolicy", req.iamARN("role/"+role)); err != nil {
			return cloudformation.Resource{}, err
		}
		_, err := s.identity.ChangeRole(req.Scope.Account, role, func(role *iam.Role) error {
			role.Inline[name] = req.now.document("PolicyDocument")
			return nil
		})
		if err != nil {
			return cloudformation.Resource{}, err
		}
	}
	return cloudformation.Resource{PhysicalID: id, Attributes: map[string]any{"Id": id}}, nil
}

// dropInlinePolicy takes the policy from its roles, but for those to keep.
func dropInlinePolicy(s *Server, req request, keep []string) error {
	for _, role := range req.old.texts("Roles") {
		if slices.Contains(keep, role) && req.old.text("PolicyName") == req.now.text("PolicyName") {
			continue
		}
		if err := s.permit(req, "iam:DeleteRolePolicy", req.iamARN("role/"+role)); err != nil {
			return err
		}
		_, err := s.identity.ChangeRole(req.Scope.Account, role, func(role *iam.Role) error {
			delete(role.Inline, req.old.text("PolicyName"))
			return nil
		})
		if err != nil && !isMissing(err) {
			return err
		}
	}
	return nil
}

func deleteInlinePolicy(s *Server, req request) error { return dropInlinePolicy(s, req, nil) }
