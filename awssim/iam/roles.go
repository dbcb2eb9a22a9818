package iam

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/aphex/aphex-pipeline/awssim/policy"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Role is an IAM role.
type Role struct {
	Name        string
	Path        string
	ID          string
	ARN         string
	Description string
	Created     time.Time
	MaxSession  int               // seconds; 3600 to 43200
	Trust       string            // the trust policy's document
	Boundary    string            // ARN of the permissions boundary; empty for none
	Inline      map[string]string // policy documents by name
	Attached    []string          // ARNs of managed policies
	Tags        map[string]string
}

const maxSession = 12 * time.Hour

var roleName = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)

// CreateRole adds a role to an account and fills in its identity.
func (d *Directory) CreateRole(account, partition string, role Role) (Role, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	owner := d.state.Accounts[account]
	switch {
	case owner == nil:
		return Role{}, noEntity("The account %s is not part of the simulated cloud", account)
	case !roleName.MatchString(role.Name):
		return Role{}, wire.Commonf(wire.ValidationFailed, "the role name %q is not valid: 1 to 64 letters, digits and +=,.@_-", role.Name)
	case owner.Roles[role.Name] != nil:
		return Role{}, wire.Errorf("EntityAlreadyExists", "Role with name %s already exists.", role.Name).WithStatus(http.StatusConflict)
	}
	role.Path = cleanPath(role.Path)
	role.ID = NewID("AROA")
	role.ARN = "arn:" + partition + ":iam::" + account + ":role" + role.Path + role.Name
	role.Created = d.now().UTC().Truncate(time.Second)
	if role.MaxSession == 0 {
		role.MaxSession = int(time.Hour.Seconds())
	}
	if err := role.check(); err != nil {
		return Role{}, err
	}
	stored := role.clone()
	owner.Roles[role.Name] = &stored
	return role, nil
}

// ChangeRole lets change edit a role; the edit is kept when it returns nil and
// the role is valid.
func (d *Directory) ChangeRole(account, name string, change func(*Role) error) (Role, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	role, err := d.role(account, name)
	if err != nil {
		return Role{}, err
	}
	edited := role.clone()
	if err := change(&edited); err != nil {
		return Role{}, err
	}
	if err := edited.check(); err != nil {
		return Role{}, err
	}
	*role = edited.clone()
	return edited, nil
}

// Role returns a role.
func (d *Directory) Role(account, name string) (Role, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	role, err := d.role(account, name)
	if err != nil {
		return Role{}, err
	}
	return role.clone(), nil
}

// RoleOf returns the role of an ARN, and its account.
func (d *Directory) RoleOf(text string) (role Role, account string, err error) {
	parsed, err := arn.Parse(text)
	if err != nil {
		return Role{}, "", wire.Commonf(wire.ValidationFailed, "%s is invalid", text)
	}
	role, err = d.Role(parsed.AccountID, lastPart(parsed.Resource))
	if err == nil && role.ARN != text {
		err = noEntity("The role with name %s cannot be found.", text)
	}
	return role, parsed.AccountID, err
}

// Roles returns an account's roles under a path, sorted by name.
func (d *Directory) Roles(account, prefix string) []Role {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var roles []Role
	if owner := d.state.Accounts[account]; owner != nil {
		for _, name := range slices.Sorted(maps.Keys(owner.Roles)) {
			if strings.HasPrefix(owner.Roles[name].Path, prefix) {
				roles = append(roles, owner.Roles[name].clone())
			}
		}
	}
	return roles
}

// DeleteRole removes a role; one that still has policies only with force.
func (d *Directory) DeleteRole(account, name string, force bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	role, err := d.role(account, name)
	if err != nil {
		return err
	}
	if !force && len(role.Inline)+len(role.Attached) > 0 {
		return conflict("Cannot delete entity, must remove all policies first.")
	}
	delete(d.state.Accounts[account].Roles, name)
	return nil
}

func (d *Directory) role(account, name string) (*Role, error) {
	if owner := d.state.Accounts[account]; owner != nil && owner.Roles[name] != nil {
		return owner.Roles[name], nil
	}
	return nil, noEntity("The role with name %s cannot be found.", name)
}

func (d *Directory) roleByARN(arn string) *Role {
	owner := d.state.Accounts[accountOf(arn)]
	if owner == nil {
		return nil
	}
	return owner.Roles[lastPart(arn)]
}

// check validates every policy document of the role.
func (r Role) check() error {
	trust, err := policy.Parse(r.Trust)
	if err != nil {
		return malformed(err)
	}
	for _, statement := range trust.Statements {
		if statement.Principals == nil && statement.Not == nil {
			return wire.Errorf("MalformedPolicyDocument", "Missing required field Principal")
		}
		if len(statement.Resources)+len(statement.NotResources) > 0 {
			return wire.Errorf("MalformedPolicyDocument", "Has prohibited field Resource")
		}
	}
	for _, text := range r.Inline {
		if err := CheckIdentityPolicy(text); err != nil {
			return err
		}
	}
	limit := time.Duration(r.MaxSession) * time.Second
	if limit < time.Hour || limit > maxSession {
		return wire.Commonf(wire.ValidationFailed, "1 validation error detected: Value '%d' at 'maxSessionDuration' failed to satisfy constraint: Member must be between 3600 and 43200", r.MaxSession)
	}
	return nil
}

func (r Role) clone() Role {
	r.Inline, r.Tags, r.Attached = maps.Clone(r.Inline), maps.Clone(r.Tags), slices.Clone(r.Attached)
	if r.Inline == nil {
		r.Inline = map[string]string{}
	}
	if r.Tags == nil {
		r.Tags = map[string]string{}
	}
	return r
}

// CheckIdentityPolicy refuses a document that cannot be the policy of an identity.
func CheckIdentityPolicy(text string) error {
	document, err := policy.Parse(text)
	if err != nil {
		return malformed(err)
	}
	for _, statement := range document.Statements {
		if statement.Principals != nil || statement.Not != nil {
			return wire.Errorf("MalformedPolicyDocument", "Policy document should not specify a principal.")
		}
		if len(statement.Resources)+len(statement.NotResources) == 0 {
			return wire.Errorf("MalformedPolicyDocument", "Policy statement must contain resources.")
		}
	}
	return nil
}

func cleanPath(path string) string {
	trimmed := strings.Trim(path, "/")
	if trimmed == "" {
		return "/"
	}
	return "/" + trimmed + "/"
}

func malformed(err error) error { return wire.Errorf("MalformedPolicyDocument", "%s", err) }

func noEntity(format string, args ...any) error {
	return wire.Errorf("NoSuchEntity", format, args...).WithStatus(http.StatusNotFound)
}

func conflict(format string, args ...any) error {
	return wire.Errorf("DeleteConflict", format, args...).WithStatus(http.StatusConflict)
}
