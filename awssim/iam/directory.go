package iam

import (
	"strings"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/policy"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Directory holds every account, role and session of the simulated cloud. It
// is safe for concurrent use.
type Directory struct {
	now func() time.Time

	mu    sync.RWMutex
	state state
}

type state struct {
	Seed     []byte // of the administrators' access keys
	Accounts map[string]*account
	Sessions map[string]*session // by access key id
}

type account struct {
	ID        string
	AccessKey string
	Secret    string
	Roles     map[string]*Role     // by name
	Policies  map[string]*Policy   // customer managed, by ARN
	Providers map[string]*Provider // by ARN
}

type session struct {
	AccessKey string
	Secret    string
	Token     string
	Expires   time.Time
	Account   string
	Role      string // name
	RoleID    string
	Name      string // of the session
	Partition string
	Tags      map[string]string // session tags
	Policies  []string          // session policies
}

// New makes an empty directory on a clock.
func New(now func() time.Time) *Directory {
	return &Directory{now: now, state: state{
		Seed: randomBytes(32), Accounts: map[string]*account{}, Sessions: map[string]*session{},
	}}
}

// AddAccount creates an account and returns its administrator's access key. An
// account that exists keeps its key.
func (d *Directory) AddAccount(id string) (accessKey, secret string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	found, ok := d.state.Accounts[id]
	if !ok {
		found = &account{
			ID: id, AccessKey: "AKIA" + derive32(d.state.Seed, "key "+id), Secret: derive64(d.state.Seed, "secret "+id),
			Roles: map[string]*Role{}, Policies: map[string]*Policy{}, Providers: map[string]*Provider{},
		}
		d.state.Accounts[id] = found
	}
	return found.AccessKey, found.Secret
}

// HasAccount reports whether an account exists.
func (d *Directory) HasAccount(id string) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.state.Accounts[id] != nil
}

// Decide returns nil if the caller is permitted to do what the question asks.
func (d *Directory) Decide(caller policy.Caller, q policy.Question) error {
	if err := policy.Decide(caller, d.Rights(caller), q); err != nil {
		return wire.Commonf(wire.AccessDenied, "%s", err)
	}
	return nil
}

// Rights returns the permissions of the caller in its account: everything for the
// administrator, its policies for a role. A deleted role has none.
func (d *Directory) Rights(caller policy.Caller) policy.Rights {
	if caller.Account == "" {
		return policy.Rights{}
	}
	if caller.RoleARN == "" {
		return policy.Rights{Grants: []*policy.Document{managed["AdministratorAccess"]}}
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	role := d.roleByARN(caller.RoleARN)
	if role == nil || !strings.HasPrefix(caller.UserID, role.ID+":") {
		return policy.Rights{}
	}
	rights := d.roleRights(role)
	if len(caller.Session) > 0 {
		rights.Limits = append(rights.Limits, caller.Session)
	}
	return rights
}

func (d *Directory) roleRights(role *Role) policy.Rights {
	var rights policy.Rights
	for _, text := range role.Inline {
		rights.Grants = append(rights.Grants, parsed(text)...)
	}
	for _, arn := range role.Attached {
		rights.Grants = append(rights.Grants, d.documents(arn)...)
	}
	if role.Boundary != "" {
		rights.Limits = append(rights.Limits, d.documents(role.Boundary))
	}
	return rights
}

// documents are those of a managed policy, AWS's or the account's; none when
// it is not known, which grants nothing.
func (d *Directory) documents(arn string) []*policy.Document {
	if name, ok := awsManaged(arn); ok {
		if document := managed[name]; document != nil {
			return []*policy.Document{document}
		}
		return nil
	}
	if owner := d.state.Accounts[accountOf(arn)]; owner != nil && owner.Policies[arn] != nil {
		return parsed(owner.Policies[arn].Document)
	}
	return nil
}

// parsed reads a stored document, which was checked when it was stored.
func parsed(text string) []*policy.Document {
	document, err := policy.Parse(text)
	if err != nil {
		return nil
	}
	return []*policy.Document{document}
}
