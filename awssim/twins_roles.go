package awssim

import (
	"slices"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/iam"
)

const longestIAMName = 64

func createRole(s *Server, w want) (cloudformation.Resource, error) {
	name := w.name("RoleName", longestIAMName)
	if err := s.permit(w, "iam:CreateRole", w.iamARN("role/"+name)); err != nil {
		return cloudformation.Resource{}, err
	}
	role := iam.Role{Name: name, Path: w.now.text("Path"), Inline: map[string]string{}}
	shapeRole(&role, w)
	role, err := s.identity.CreateRole(w.Scope.Account, w.Scope.Partition, role)
	return roleResource(role), err
}

func updateRole(s *Server, w want) (cloudformation.Resource, error) {
	if err := s.permit(w, "iam:UpdateRole", w.iamARN("role/"+w.PhysicalID)); err != nil {
		return cloudformation.Resource{}, err
	}
	role, err := s.identity.ChangeRole(w.Scope.Account, w.PhysicalID, func(role *iam.Role) error {
		unshapeRole(role, w)
		shapeRole(role, w)
		return nil
	})
	return roleResource(role), err
}

// shapeRole gives a role what the template says.
func shapeRole(role *iam.Role, w want) {
	role.Trust = w.now.document("AssumeRolePolicyDocument")
	role.Description = w.now.text("Description")
	role.Boundary = w.now.text("PermissionsBoundary")
	role.MaxSession = max(w.now.number("MaxSessionDuration"), 3600)
	role.Tags = w.tags()
	for _, inline := range w.now.maps("Policies") {
		role.Inline[inline.text("PolicyName")] = inline.document("PolicyDocument")
	}
	for _, arn := range w.now.texts("ManagedPolicyArns") {
		if !slices.Contains(role.Attached, arn) {
			role.Attached = append(role.Attached, arn)
		}
	}
}

// unshapeRole takes from a role what the template said before.
func unshapeRole(role *iam.Role, w want) {
	for _, inline := range w.old.maps("Policies") {
		delete(role.Inline, inline.text("PolicyName"))
	}
	gone := w.old.texts("ManagedPolicyArns")
	role.Attached = slices.DeleteFunc(role.Attached, func(arn string) bool { return slices.Contains(gone, arn) })
}

func roleResource(role iam.Role) cloudformation.Resource {
	return cloudformation.Resource{PhysicalID: role.Name, Attributes: map[string]any{"Arn": role.ARN, "RoleId": role.ID}}
}

func findRole(s *Server, w want) (cloudformation.Resource, error) {
	role, err := s.identity.Role(w.Scope.Account, w.now.text("RoleName"))
	return roleResource(role), err
}

// deleteRole removes a role unless others gave it policies.
func deleteRole(s *Server, w want) error {
	if err := s.permit(w, "iam:DeleteRole", w.iamARN("role/"+w.PhysicalID)); err != nil {
		return err
	}
	_, err := s.identity.ChangeRole(w.Scope.Account, w.PhysicalID, func(role *iam.Role) error {
		unshapeRole(role, w)
		return nil
	})
	if err != nil {
		return err
	}
	return s.identity.DeleteRole(w.Scope.Account, w.PhysicalID, false)
}

func createInlinePolicy(s *Server, w want) (cloudformation.Resource, error) {
	return putInlinePolicy(s, w, w.SuggestedID)
}

func updateInlinePolicy(s *Server, w want) (cloudformation.Resource, error) {
	if err := dropInlinePolicy(s, w, w.now.texts("Roles")); err != nil {
		return cloudformation.Resource{}, err
	}
	return putInlinePolicy(s, w, w.PhysicalID)
}

func putInlinePolicy(s *Server, w want, id string) (cloudformation.Resource, error) {
	name := w.now.text("PolicyName")
	for _, role := range w.now.texts("Roles") {
		if err := s.permit(w, "iam:PutRolePolicy", w.iamARN("role/"+role)); err != nil {
			return cloudformation.Resource{}, err
		}
		_, err := s.identity.ChangeRole(w.Scope.Account, role, func(role *iam.Role) error {
			role.Inline[name] = w.now.document("PolicyDocument")
			return nil
		})
		if err != nil {
			return cloudformation.Resource{}, err
		}
	}
	return cloudformation.Resource{PhysicalID: id, Attributes: map[string]any{"Id": id}}, nil
}

// dropInlinePolicy takes the policy from its roles, but for those to keep.
func dropInlinePolicy(s *Server, w want, keep []string) error {
	for _, role := range w.old.texts("Roles") {
		if slices.Contains(keep, role) && w.old.text("PolicyName") == w.now.text("PolicyName") {
			continue
		}
		if err := s.permit(w, "iam:DeleteRolePolicy", w.iamARN("role/"+role)); err != nil {
			return err
		}
		_, err := s.identity.ChangeRole(w.Scope.Account, role, func(role *iam.Role) error {
			delete(role.Inline, w.old.text("PolicyName"))
			return nil
		})
		if err != nil && !isMissing(err) {
			return err
		}
	}
	return nil
}

func deleteInlinePolicy(s *Server, w want) error { return dropInlinePolicy(s, w, nil) }
