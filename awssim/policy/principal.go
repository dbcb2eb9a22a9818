package policy

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// Principals are the callers in a statement of a resource or trust policy.
type Principals struct {
	Everyone  bool     // "*" or {"AWS": "*"}
	AWS       []string // account ids, account root ARNs, role, session and user ARNs
	Services  []string // such as cloudformation.amazonaws.com
	Federated []string // identity provider ARNs
}

// UnmarshalJSON reads "*" or {"AWS": …, "Service": …, "Federated": …}.
func (p *Principals) UnmarshalJSON(data []byte) error {
	var everyone string
	if json.Unmarshal(data, &everyone) == nil {
		if everyone != "*" {
			return fmt.Errorf("invalid principal in policy: %q", everyone)
		}
		p.Everyone = true
		return nil
	}
	var kinds map[string]list
	if err := json.Unmarshal(data, &kinds); err != nil {
		return fmt.Errorf("invalid principal in policy: %w", err)
	}
	for kind, values := range kinds {
		if err := p.add(kind, values); err != nil {
			return err
		}
	}
	return nil
}

func (p *Principals) add(kind string, values []string) error {
	switch kind {
	case "AWS":
		for _, value := range values {
			if value == "*" {
				p.Everyone = true
				continue
			}
			p.AWS = append(p.AWS, value)
		}
	case "Service":
		p.Services = append(p.Services, values...)
	case "Federated":
		p.Federated = append(p.Federated, values...)
	case "CanonicalUser":
	default:
		return fmt.Errorf("invalid principal in policy: unknown kind %q", kind)
	}
	return nil
}

// match is how principals match a caller.
type match int

const (
	noMatch match = iota
	byAccount
	byName
)

// of reports whether the caller is meant, and whether by name or only as a member
// of its account. A rule for an account leaves the decision to that account's
// own policies; a rule that names the caller does not.
func (p *Principals) of(caller Caller) match {
	if p == nil {
		return noMatch
	}
	if p.Everyone && caller.Service == "" && caller.Federated == "" {
		return byName
	}
	if contains(p.Services, caller.Service) || contains(p.Federated, caller.Federated) {
		return byName
	}
	best := noMatch
	for _, principal := range p.AWS {
		switch {
		case caller.Account == "":
		case principal == caller.ARN || principal == caller.RoleARN:
			return byName
		case principal == caller.Account || isRoot(principal, caller.Account):
			best = byAccount
		}
	}
	return best
}

func isRoot(principal, account string) bool {
	parsed, err := arn.Parse(principal)
	return err == nil && parsed.Service == "iam" && parsed.AccountID == account && parsed.Resource == "root"
}

func contains(values []string, value string) bool {
	if value == "" {
		return false
	}
	for _, candidate := range values {
		if candidate == value {
			return true
		}
	}
	return false
}
