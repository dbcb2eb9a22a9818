package awssim

import (
	"slices"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/iam"
)

const longestPolicyName = 128

func createManagedPolicy(s *Server, w want) (cloudformation.Resource, error) {
	name := w.name("ManagedPolicyName", longestPolicyName)
	if err := s.permit(w, "iam:CreatePolicy", w.iamARN("policy/"+name)); err != nil {
		return cloudformation.Resource{}, err
	}
	p, err := s.identity.CreatePolicy(w.Scope.Account, w.Scope.Partition, iam.Policy{
		Name: name, Path: w.now.text("Path"), Description: w.now.text("Description"), Document: w.now.document("PolicyDocument"),
	})
	if err != nil {
		return cloudformation.Resource{}, err
	}
	return policyResource(p), attach(s, w, p.ARN)
}

func updateManagedPolicy(s *Server, w want) (cloudformation.Resource, error) {
	if err := s.permit(w, "iam:CreatePolicyVersion", w.PhysicalID); err != nil {
		return cloudformation.Resource{}, err
	}
	p, err := s.identity.ChangePolicy(w.PhysicalID, w.now.document("PolicyDocument"))
	if err != nil {
		return cloudformation.Resource{}, err
	}
	if err := detach(s, w, w.now.texts("Roles")); err != nil {
		return cloudformation.Resource{}, err
	}
	return policyResource(p), attach(s, w, p.ARN)
}

func findManagedPolicy(s *Server, w want) (cloudformation.Resource, error) {
	for _, p := range s.identity.Policies(w.Scope.Account) {
		if p.Name == w.now.text("ManagedPolicyName") {
			return policyResource(p), nil
		}
	}
	return cloudformation.Resource{}, cloudformation.ErrAbsent
}

func policyResource(p iam.Policy) cloudformation.Resource {
	return cloudformation.Resource{PhysicalID: p.ARN, Attributes: map[string]any{"PolicyArn": p.ARN, "PolicyId": p.ID}}
}

// attach gives the policy to the roles of the template.
func attach(s *Server, w want, arn string) error {
	for _, role := range w.now.texts("Roles") {
		_, err := s.identity.ChangeRole(w.Scope.Account, role, func(role *iam.Role) error {
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
func detach(s *Server, w want, keep []string) error {
	for _, role := range w.old.texts("Roles") {
		if slices.Contains(keep, role) {
			continue
		}
		_, err := s.identity.ChangeRole(w.Scope.Account, role, func(role *iam.Role) error {
			role.Attached = slices.DeleteFunc(role.Attached, func(arn string) bool { return arn == w.PhysicalID })
			return nil
		})
		if err != nil && !isMissing(err) {
			return err
		}
	}
	return nil
}

func deleteManagedPolicy(s *Server, w want) error {
	if err := s.permit(w, "iam:DeletePolicy", w.PhysicalID); err != nil {
		return err
	}
	if err := detach(s, w, nil); err != nil {
		return err
	}
	return s.identity.DeletePolicy(w.PhysicalID)
}

func createProvider(s *Server, w want) (cloudformation.Resource, error) {
	if err := s.permit(w, "iam:CreateOpenIDConnectProvider", w.iamARN("oidc-provider/*")); err != nil {
		return cloudformation.Resource{}, err
	}
	p, err := s.identity.CreateProvider(w.Scope.Account, w.Scope.Partition, iam.Provider{
		URL: w.now.text("Url"), Clients: w.now.texts("ClientIdList"), Thumbprints: w.now.texts("ThumbprintList"),
	})
	return providerResource(p.ARN), err
}

func updateProvider(s *Server, w want) (cloudformation.Resource, error) {
	if err := s.permit(w, "iam:UpdateOpenIDConnectProviderThumbprint", w.PhysicalID); err != nil {
		return cloudformation.Resource{}, err
	}
	err := s.identity.ChangeProvider(w.PhysicalID, w.now.texts("ClientIdList"), w.now.texts("ThumbprintList"))
	return providerResource(w.PhysicalID), err
}

func providerResource(arn string) cloudformation.Resource {
	return cloudformation.Resource{PhysicalID: arn, Attributes: map[string]any{"Arn": arn}}
}

func deleteProvider(s *Server, w want) error {
	if err := s.permit(w, "iam:DeleteOpenIDConnectProvider", w.PhysicalID); err != nil {
		return err
	}
	s.identity.DeleteProvider(w.PhysicalID)
	return nil
}
