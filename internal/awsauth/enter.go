package awsauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/aphex/aphex-pipeline/internal/errs"
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
type Access struct {
	Target
	Partition string

	// Commands is what commands run by a stage may use: the own role, or the
	// credentials at hand when the account is theirs, or else the bootstrap
	// role for lookups, which only reads.
	Commands *Session

	origin  *Session // from which the assembly's roles are assumed
	log     *slog.Logger
	mu      sync.Mutex
	flights map[string]*flight
}

// Enter goes into the target's account and makes sure that it is that account.
// Nothing else happens before: a wrong account id stops here, with kind Invalid.
func Assume(ctx context.Context, base aws.Config, to Target, log *slog.Logger) (*Access, error) {
	if to.RoleARN != "" && accountOfARN(to.RoleARN) != to.Account {
		return nil, errs.Invalidf("roleArn %s is of account %q, but the environment's account is %s", to.RoleARN, accountOfARN(to.RoleARN), to.Account).
			WithHint("correct account or roleArn in the configuration")
	}
	base = base.Copy()
	base.Region = to.Region
	here, err := Identify(ctx, base)
	if err != nil {
		return nil, err
	}
	e := &Access{Target: to, Partition: here.Partition, origin: here, Commands: here, log: log}
	switch {
	case to.RoleARN != "":
		err = e.enterByOwnRole(ctx)
	case here.Account != to.Account:
		err = e.enterByLookupRole(ctx)
	}
	return e, err
}

func (e *Access) enterByOwnRole(ctx context.Context) error {
	role := Role{ARN: e.RoleARN, ExternalID: e.ExternalID, Tags: boundTags(e.Tags)}
	session, err := assume(ctx, e.origin, role, e.Region, SessionName(e.Name))
	if err != nil {
		return explainAssume(ctx, err, e.origin, role)
	}
	if e.Commands, err = e.confirm(ctx, session); err != nil {
		return err
	}
	e.origin = e.Commands
	return nil
}

func (e *Access) enterByLookupRole(ctx context.Context) (err error) {
	e.Commands, err = e.lookup(ctx)
	return err
}

// lookup takes on the bootstrap role for lookups.
func (e *Access) lookup(ctx context.Context) (*Session, error) {
	role := Role{ARN: fmt.Sprintf("arn:%s:iam::%s:role/cdk-%s-lookup-role-%s-%s", e.Partition, e.Account, DefaultQualifier, e.Account, e.Region)}
	session, err := assume(ctx, e.origin, role, e.Region, SessionName(e.Name))
	if err != nil {
		return nil, explainAssume(ctx, err, e.origin, role)
	}
	return e.confirm(ctx, session)
}

// Reader is what may look at the account. In the account of the credentials at
// hand that is the bootstrap role for lookups, where it lets them in: a
// pipeline's own role may enter accounts and look at nothing, in its own neither.
func (e *Access) Reader(ctx context.Context) *Session {
	if e.RoleARN == "" && e.Commands == e.origin {
		if session, err := e.lookup(ctx); err == nil {
			return session
		}
	}
	return e.Commands
}

// confirm asks AWS whether the session is of the account that was meant.
func (e *Access) confirm(ctx context.Context, session *Session) (*Session, error) {
	confirmed, err := Identify(ctx, session.Config)
	if err != nil {
		return nil, err
	}
	if confirmed.Account != e.Account {
		return nil, errs.Invalidf("entered account %s instead of %s", confirmed.Account, e.Account).
			WithHint("correct account or roleArn in the configuration")
	}
	return confirmed, nil
}

// Assume gives a session of a role that the assembly names, in a region. An
// empty ARN is the way in itself. Sessions are kept: the same role is assumed once.
func (e *Access) Assume(ctx context.Context, role Role, region string) (*Session, error) {
	return e.session(role, region, func() (*Session, error) {
		return e.once(ctx, "any "+roleKey(role), func() (*Session, error) {
			session, err := e.assume(ctx, role)
			if err != nil {
				return fallBack(ctx, e.log, err, e.origin, role, e.Region)
			}
			return session, nil
		})
	})
}

// AssumeItself is Assume for a role that may not be there yet: no other
// credentials take its place, and a refusal is neither told nor kept.
func (e *Access) AssumeItself(ctx context.Context, role Role, region string) (*Session, error) {
	return e.session(role, region, func() (*Session, error) {
		session, err := e.assume(ctx, role)
		if err != nil {
			return nil, explainAssume(ctx, err, e.origin, role)
		}
		return session, nil
	})
}

// session gives the way in for a role without ARN, or else what is got, in a region.
func (e *Access) session(role Role, region string, get func() (*Session, error)) (*Session, error) {
	if role.ARN == "" {
		if e.origin.Account != e.Account {
			return nil, errs.Invalidf("the app names no role for account %s, and the credentials at hand are of account %s", e.Account, e.origin.Account).
				WithHint("use the DefaultStackSynthesizer, or set roleArn for this environment")
		}
		return e.origin.In(region), nil
	}
	session, err := get()
	if err != nil {
		return nil, err
	}
	return session.In(region), nil
}

// assume assumes a role once.
func (e *Access) assume(ctx context.Context, role Role) (*Session, error) {
	return e.once(ctx, "itself "+roleKey(role), func() (*Session, error) {
		return assume(ctx, e.origin, role, e.Region, SessionName(e.Name))
	})
}

// flight is a session that is being got, or has been.
type flight struct {
	landed  chan struct{}
	session *Session
	err     error
}

// once gets a session once; those who ask meanwhile wait. Errors are not kept, and
// who waited for one who was cancelled asks for itself.
func (e *Access) once(ctx context.Context, key string, work func() (*Session, error)) (*Session, error) {
	e.mu.Lock()
	f, known := e.flights[key]
	if !known {
		if e.flights == nil {
			e.flights = map[string]*flight{}
		}
		f = &flight{landed: make(chan struct{})}
		e.flights[key] = f
	}
	e.mu.Unlock()
	if !known {
		if f.session, f.err = work(); f.err != nil {
			e.mu.Lock()
			delete(e.flights, key)
			e.mu.Unlock()
		}
		close(f.landed)
		return f.session, f.err
	}
	select {
	case <-f.landed:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if errors.Is(f.err, context.Canceled) && ctx.Err() == nil {
		return e.once(ctx, key, work)
	}
	return f.session, f.err
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
