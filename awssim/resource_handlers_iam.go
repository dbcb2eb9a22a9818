package awssim

import (
	"slices"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/iam"
)

const longestPolicyName = 128

func createManagedPolicy(s *Server, req request) (cloudformation.Resource, error) {
	name := req.name("ManagedPolicyName", longestPolicyName)
	if err := s.permit(req, "iam:CreatePolicy", req.iamARN("policy/"+name)); err != nil {
		return cloudformation.Resource{}, err
	}
	p, err := s.identity.CreatePolicy(req.Scope.Account, req.Scope.Partition, iam.Policy{
		Name: name, Path: req.now.text("Path"), Description: req.now.text("Description"), Document: req.now.document("PolicyDocument"),
	})
	if err != nil {
		return cloudformation.Resource{}, err
	}
	return policyResource(p), attach(s, req, p.ARN)
}

func updateManagedPolicy(s *Server, req request) (cloudformation.Resource, error) {
	if err := s.permit(req, "iam:CreatePolicyVersion", req.PhysicalID); err != nil {
		return cloudformation.Resource{}, err
	}
	p, err := s.identity.ChangePolicy(req.PhysicalID, req.now.document("PolicyDocument"))
	if err != nil {
		return cloudformation.Resource{}, err
	}
	if err := detach(s, req, req.now.texts("Roles")); err != nil {
		return cloudformation.Resource{}, err
	}
	return policyResource(p), attach(s, req, p.ARN)
}

func findManagedPolicy(s *Server, req request) (cloudformation.Resource, error) {
	for _, p := range s.identity.Policies(req.Scope.Account) {
		if p.Name == req.now.text("ManagedPolicyName") {
			return policyResource(p), nil
		}
	}
	return cloudformation.Resource{}, cloudformation.ErrAbsent
}

func policyResource(p iam.Policy) cloudformation.Resource {
	return cloudformation.Resource{PhysicalID: p.ARN, Attributes: map[string]any{"PolicyArn": p.ARN, "PolicyId": p.ID}}
}

// attach attaches the policy to the roles of the template.
func attach(s *Server, req request, arn string) error {
	for _, role := range req.now.texts("Roles") {
		_, err := s.identity.ChangeRole(req.Scope.Account, role, func(role *iam.Role) error {
			if !slices.Contains(role.Attached, arn) {
				role.Attached = append(role.Attached, arn)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// detach takes the policy from the roles it was given to, but for those to keep.
func detach(s *Server, req request, keep []string) error {
	for _, role := range req.old.texts("Roles") {
		if slices.Contains(keep, role) {
			continue
		}
		_, err := s.identity.ChangeRole(req.Scope.Account, role, func(role *iam.Role) error {
			role.Attached = slices.DeleteFunc(role.Attached, func(arn string) bool { return arn == req.PhysicalID })
			return nil
		})
		if err != nil && !isMissing(err) {
			return err
		}
	}
	return nil
}

func deleteManagedPolicy(s *Server, req request) error {
	if err := s.permit(req, "iam:DeletePolicy", req.PhysicalID); err != nil {
		return err
	}
	if err := detach(s, req, nil); err != nil {
		return err
	}
	return s.identity.DeletePolicy(req.PhysicalID)
}

func createProvider(s *Server, req request) (cloudformation.Resource, error) {
	if err := s.permit(req, "iam:CreateOpenIDConnectProvider", req.iamARN("oidc-provider/*")); err != nil {
		return cloudformation.Resource{}, err
	}
	p, err := s.identity.CreateProvider(req.Scope.Account, req.Scope.Partition, iam.Provider{
		URL: req.now.text("Url"), Clients: req.now.texts("ClientIdList"), Thumbprints: req.now.texts("ThumbprintList"),
	})
	return providerResource(p.ARN), err
}

func updateProvider(s *Server, req request) (cloudformation.Resource, error) {
	if err := s.permit(req, "iam:UpdateOpenIDConnectProviderThumbprint", req.PhysicalID); err != nil {
		return cloudformation.Resource{}, err
	}
	err := s.identity.ChangeProvider(req.PhysicalID, req.now.texts("ClientIdList"), req.now.texts("ThumbprintList"))
	return providerResource(req.PhysicalID), err
}

func providerResource(arn string) cloudformation.Resource {
	return cloudformation.Resource{PhysicalID: arn, Attributes: map[string]any{"Arn": arn}}
}

func deleteProvider(s *Server, req request) error {
	if err := s.permit(req, "iam:DeleteOpenIDConnectProvider", req.PhysicalID); err != nil {
		return err
	}
	s.identity.DeleteProvider(req.PhysicalID)
	return nil
}
