package iam

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Policy is a customer managed policy; only its newest version is kept.
type Policy struct {
	Name        string
	Path        string
	ID          string
	ARN         string
	Description string
	Document    string
	Version     int // v1, v2, …
	Created     time.Time
	Updated     time.Time
}

// Provider is an OpenID Connect identity provider.
type Provider struct {
	ARN         string
	URL         string // without https://
	Clients     []string
	Thumbprints []string
	Created     time.Time
}

// CreatePolicy adds a customer managed policy.
func (d *Directory) CreatePolicy(account, partition string, p Policy) (Policy, error) {
	if err := CheckIdentityPolicy(p.Document); err != nil {
		return Policy{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	owner := d.state.Accounts[account]
	if owner == nil {
		return Policy{}, noEntity("The account %s is not part of the simulated cloud", account)
	}
	p.Path = cleanPath(p.Path)
	p.ARN = "arn:" + partition + ":iam::" + account + ":policy" + p.Path + p.Name
	if owner.Policies[p.ARN] != nil {
		return Policy{}, wire.Errorf("EntityAlreadyExists", "A policy called %s already exists. Duplicate names are not allowed.", p.Name).WithStatus(http.StatusConflict)
	}
	p.ID, p.Version = NewID("ANPA"), 1
	p.Created = d.now().UTC().Truncate(time.Second)
	p.Updated = p.Created
	owner.Policies[p.ARN] = &p
	return p, nil
}

// ChangePolicy makes document the default version of a policy.
func (d *Directory) ChangePolicy(arn, document string) (Policy, error) {
	if err := CheckIdentityPolicy(document); err != nil {
		return Policy{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.policy(arn)
	if err != nil {
		return Policy{}, err
	}
	p.Document, p.Version, p.Updated = document, p.Version+1, d.now().UTC().Truncate(time.Second)
	return *p, nil
}

// Policy returns a managed policy, AWS's or an account's.
func (d *Directory) Policy(arn string) (Policy, error) {
	if name, ok := awsManaged(arn); ok {
		return Policy{Name: name, ARN: arn, Path: "/", Version: 1, Document: `{"Version":"2012-10-17","Statement":[]}`}, nil
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	p, err := d.policy(arn)
	if err != nil {
		return Policy{}, err
	}
	return *p, nil
}

// Policies returns an account's own managed policies, sorted by ARN.
func (d *Directory) Policies(account string) []Policy {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var policies []Policy
	if owner := d.state.Accounts[account]; owner != nil {
		for _, arn := range slices.Sorted(maps.Keys(owner.Policies)) {
			policies = append(policies, *owner.Policies[arn])
		}
	}
	return policies
}

// DeletePolicy removes a policy that is attached to no role.
func (d *Directory) DeletePolicy(arn string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.policy(arn); err != nil {
		return err
	}
	owner := d.state.Accounts[accountOf(arn)]
	for _, role := range owner.Roles {
		if slices.Contains(role.Attached, arn) {
			return conflict("Cannot delete a policy attached to entities.")
		}
	}
	delete(owner.Policies, arn)
	return nil
}

func (d *Directory) policy(arn string) (*Policy, error) {
	if owner := d.state.Accounts[accountOf(arn)]; owner != nil && owner.Policies[arn] != nil {
		return owner.Policies[arn], nil
	}
	return nil, noEntity("Policy %s was not found.", arn)
}

// CreateProvider adds an identity provider by its URL.
func (d *Directory) CreateProvider(account, partition string, p Provider) (Provider, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	owner := d.state.Accounts[account]
	url, secure := strings.CutPrefix(p.URL, "https://")
	switch {
	case owner == nil:
		return Provider{}, noEntity("The account %s is not part of the simulated cloud", account)
	case !secure || url == "":
		return Provider{}, wire.Commonf(wire.ValidationFailed, "Invalid Open ID Connect Provider URL: %q must begin with https://", p.URL)
	}
	p.URL = url
	p.ARN = "arn:" + partition + ":iam::" + account + ":oidc-provider/" + url
	p.Created = d.now().UTC().Truncate(time.Second)
	if owner.Providers[p.ARN] != nil {
		return Provider{}, wire.Errorf("EntityAlreadyExists", "Provider with url https://%s already exists.", url).WithStatus(http.StatusConflict)
	}
	owner.Providers[p.ARN] = &p
	return p, nil
}

// ChangeProvider replaces a provider's client ids and thumbprints.
func (d *Directory) ChangeProvider(arn string, clients, thumbprints []string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.provider(arn)
	if err != nil {
		return err
	}
	p.Clients, p.Thumbprints = clients, thumbprints
	return nil
}

// Provider returns an identity provider.
func (d *Directory) Provider(arn string) (Provider, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	p, err := d.provider(arn)
	if err != nil {
		return Provider{}, err
	}
	return *p, nil
}

// Providers returns the ARNs of an account's identity providers.
func (d *Directory) Providers(account string) []string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if owner := d.state.Accounts[account]; owner != nil {
		return slices.Sorted(maps.Keys(owner.Providers))
	}
	return nil
}

// DeleteProvider removes an identity provider; a missing one is no error.
func (d *Directory) DeleteProvider(arn string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if owner := d.state.Accounts[accountOf(arn)]; owner != nil {
		delete(owner.Providers, arn)
	}
}

func (d *Directory) provider(arn string) (*Provider, error) {
	if owner := d.state.Accounts[accountOf(arn)]; owner != nil && owner.Providers[arn] != nil {
		return owner.Providers[arn], nil
	}
	return nil, noEntity("OpenIDConnect Provider not found for arn %s", arn)
}
