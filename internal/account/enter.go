package account

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/aphex/aphex-pipeline/internal/fault"
)

// Target is an account and region to work in.
type Target struct {
	Account    string            // 12 digits
	Region     string            // such as "eu-west-1"
	RoleARN    string            // own role to enter by; empty is the CDK's bootstrap roles
	ExternalID string            // for RoleARN only
	Tags       map[string]string // session tags for RoleARN only
	Name       string            // tells the session in the account's audit log, such as "my-app-run-7"
}

// Entry is an account that has been entered.
type Entry struct {
	Target
	Partition string

	// Commands is what commands run by a stage may use: the own role, or the
	// credentials at hand when the account is theirs, or else the bootstrap
	// role for lookups, which only reads.
	Commands *Session

	origin *Session // from which the assembly's roles are assumed
	log    *slog.Logger
	mu     sync.Mutex
	roles  map[string]func() (*Session, error)
}

// Enter goes into the target's account and makes sure that it is that account.
// Nothing else happens before: a wrong account id stops here, with kind Invalid.
func Enter(ctx context.Context, base aws.Config, to Target, log *slog.Logger) (*Entry, error) {
	if to.RoleARN != "" && accountOfARN(to.RoleARN) != to.Account {
		return nil, fault.Invalidf("roleArn %s is of account %q, but the environment's account is %s", to.RoleARN, accountOfARN(to.RoleARN), to.Account).
			WithHint("correct account or roleArn in the configuration")
	}
	base = base.Copy()
	base.Region = to.Region
	here, err := Identify(ctx, base)
	if err != nil {
		return nil, err
	}
	e := &Entry{Target: to, Partition: here.Partition, origin: here, Commands: here, log: log, roles: map[string]func() (*Session, error){}}
	switch {
	case to.RoleARN != "":
		err = e.enterByOwnRole(ctx)
	case here.Account != to.Account:
		err = e.enterByLookupRole(ctx)
	}
	return e, err
}

func (e *Entry) enterByOwnRole(ctx context.Context) error {
	role := Role{ARN: e.RoleARN, ExternalID: e.ExternalID, Tags: boundTags(e.Tags)}
	session, err := assume(ctx, e.origin, role, e.Region, SessionName(e.Name))
	if err != nil {
		return explainAssume(err, e.origin, role)
	}
	if e.Commands, err = e.confirm(ctx, session); err != nil {
		return err
	}
	e.origin = e.Commands
	return nil
}

func (e *Entry) enterByLookupRole(ctx context.Context) (err error) {
	e.Commands, err = e.lookup(ctx)
	return err
}

// lookup takes on the bootstrap role for lookups.
func (e *Entry) lookup(ctx context.Context) (*Session, error) {
	role := Role{ARN: fmt.Sprintf("arn:%s:iam::%s:role/cdk-%s-lookup-role-%s-%s", e.Partition, e.Account, DefaultQualifier, e.Account, e.Region)}
	session, err := assume(ctx, e.origin, role, e.Region, SessionName(e.Name))
	if err != nil {
		return nil, explainAssume(err, e.origin, role)
	}
	return e.confirm(ctx, session)
}

// Reader is what may look at the account. In the account of the credentials at
// hand that is the bootstrap role for lookups, where it lets them in: a
// pipeline's own role may enter accounts and look at nothing, in its own neither.
func (e *Entry) Reader(ctx context.Context) *Session {
	if e.RoleARN == "" && e.Commands == e.origin {
		if session, err := e.lookup(ctx); err == nil {
			return session
		}
	}
	return e.Commands
}

// confirm asks AWS whether the session is of the account that was meant.
func (e *Entry) confirm(ctx context.Context, session *Session) (*Session, error) {
	confirmed, err := Identify(ctx, session.Config)
	if err != nil {
		return nil, err
	}
	if confirmed.Account != e.Account {
		return nil, fault.Invalidf("entered account %s instead of %s", confirmed.Account, e.Account).
			WithHint("correct account or roleArn in the configuration")
	}
	return confirmed, nil
}

// Assume gives a session of a role that the assembly names, in a region. An
// empty ARN is the way in itself. Sessions are kept: the same role is assumed once.
func (e *Entry) Assume(ctx context.Context, role Role, region string) (*Session, error) {
	if role.ARN == "" {
		if e.origin.Account != e.Account {
			return nil, fault.Invalidf("the app names no role for account %s, and the credentials at hand are of account %s", e.Account, e.origin.Account).
				WithHint("use the DefaultStackSynthesizer, or set roleArn for this environment")
		}
		return e.origin.In(region), nil
	}
	session, err := e.remembered(ctx, role)
	if err != nil {
		return nil, err
	}
	return session.In(region), nil
}

// remembered assumes a role once; those who ask meanwhile wait. Errors are not kept.
func (e *Entry) remembered(ctx context.Context, role Role) (*Session, error) {
	key := roleKey(role)
	e.mu.Lock()
	get, known := e.roles[key]
	if !known {
		get = sync.OnceValues(func() (*Session, error) {
			session, err := assume(ctx, e.origin, role, e.Region, SessionName(e.Name))
			if err != nil {
				return fallBack(e.log, err, e.origin, role, e.Region)
			}
			return session, nil
		})
		e.roles[key] = get
	}
	e.mu.Unlock()
	session, err := get()
	if err != nil {
		e.mu.Lock()
		delete(e.roles, key)
		e.mu.Unlock()
	}
	return session, err
}

func roleKey(role Role) string {
	key := role.ARN + "\n" + role.ExternalID
	for _, tag := range slices.Sorted(maps.Keys(role.Tags)) {
		key += "\n" + tag + "=" + role.Tags[tag]
	}
	return key
}

var notInSessionName = regexp.MustCompile(`[^\w+=,.@-]+`)

// SessionName makes a role session name out of any text: 2 to 64 of the characters that STS takes.
func SessionName(text string) string {
	name := strings.Trim(notInSessionName.ReplaceAllString(text, "-"), "-")
	if len(name) < 2 {
		name = strings.TrimSuffix("aphex-"+name, "-")
	}
	return name[:min(len(name), 64)]
}

var notInTag = regexp.MustCompile(`[^\p{L}\p{Z}\p{N}_.:/=+\-@]+`)

// boundTags makes session tags that STS takes: at most 50, keys up to 128 and values up to 256 characters.
func boundTags(tags map[string]string) map[string]string {
	bound := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if name := cut(notInTag.ReplaceAllString(key, "-"), 128); name != "" && len(bound) < 50 {
			bound[name] = cut(notInTag.ReplaceAllString(tags[key], "-"), 256)
		}
	}
	return bound
}

func cut(text string, characters int) string {
	runes := []rune(text)
	return string(runes[:min(len(runes), characters)])
}

// IsDenied says whether AWS refused a call because the identity lacks the right.
func IsDenied(err error) bool {
	return slices.Contains([]string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}, codeOf(err))
}
