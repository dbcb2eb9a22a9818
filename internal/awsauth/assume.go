package awsauth

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/aphex/aphex-pipeline/internal/awsauth/bootstrap"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Target is an account and region to work in.
type Target struct {
	Account    string // 12 digits
	Region     string // such as "eu-west-1"
	RoleARN    string // role to assume; empty is the CDK's bootstrap roles
	ExternalID string // for RoleARN and CommandRoleARN only
	Qualifier  string // of the CDK bootstrap whose lookup role is assumed; empty is the default one

	// CommandRoleARN is the role for hooks and tests; empty is a lookup session. It
	// requires ExternalID, too.
	CommandRoleARN string

	// What access is for. The account's audit log shows it in the session's name,
	// and for roles of the user's own in its tags.
	Environment string
	Commit      string // may be empty
	Run         string // name of the workflow run; empty outside a run
}

// run returns the name of the run, or "local".
func (t Target) run() string { return cmp.Or(t.Run, "local") }

// sessionName returns the name of every session in the account.
func (t Target) sessionName() string { return sessionName("aphex-" + t.Environment + "-" + t.run()) }

// ownRole is a role of the user's own as every program assumes it: with the same tags, so
// that the same trust policy admits the validator, the deployer and the tester.
func (t Target) ownRole(arn string) Role {
	return Role{ARN: arn, ExternalID: t.ExternalID, Tags: boundTags(map[string]string{
		"aphex:environment": t.Environment, "aphex:commit": t.Commit, "aphex:run": t.run(),
	})}
}

// checkRoles refuses roles of other accounts, and for commands the roles that deploy.
func (t Target) checkRoles() error {
	for _, role := range []struct{ key, arn string }{{"roleArn", t.RoleARN}, {"commandRoleArn", t.CommandRoleARN}} {
		if role.arn != "" && accountOf(role.arn) != t.Account {
			return errs.Invalidf("%s %s is of account %q, but the environment's account is %s", role.key, role.arn, accountOf(role.arn), t.Account).
				WithHint("correct account or %s in the configuration", role.key)
		}
	}
	_, isBootstrap := bootstrap.Of(nameOf(t.CommandRoleARN))
	if t.CommandRoleARN != "" && (isBootstrap || t.CommandRoleARN == t.RoleARN) {
		return errs.Invalidf("commandRoleArn %s is a role for deployments, which commands of the repository must not have", t.CommandRoleARN).
			WithHint("create a role with the permissions that the commands need")
	}
	return nil
}

// nameOf returns the name of a role without its path.
func nameOf(role string) string { return role[strings.LastIndex(role, "/")+1:] }

// Access is verified access to one account.
type Access struct {
	Target
	Partition string

	// Verified is the session that the account was verified with: that of RoleARN; else the
	// current credentials if they are of the account; else the bootstrap role for
	// lookups. Commands never get it: see [Access.ServeLookups].
	Verified *Session

	current  *Session // the credentials of this program
	origin   *Session // the assembly's roles are assumed from it
	commands *Session // of CommandRoleARN; nil without it
	log      *slog.Logger
	sessions once[*Session]
}

// Assume gets access to the target's account and verifies the account. A wrong account
// id fails here, with kind Invalid, before anything else happens.
func Assume(ctx context.Context, base aws.Config, to Target, log *slog.Logger) (*Access, error) {
	if err := to.checkRoles(); err != nil {
		return nil, err
	}
	base = base.Copy()
	base.Region = to.Region
	here, err := Identify(ctx, base)
	if err != nil {
		return nil, err
	}
	e := &Access{Target: to, Partition: here.Partition, current: here, origin: here, Verified: here, log: log}
	switch {
	case to.RoleARN != "":
		err = e.assumeOwnRole(ctx)
	case here.Account != to.Account:
		e.Verified, err = e.assumeConfirmed(ctx, e.lookupRole())
	}
	if err == nil && to.CommandRoleARN != "" {
		e.commands, err = e.assumeConfirmed(ctx, e.ownRole(to.CommandRoleARN))
	}
	return e, err
}

func (e *Access) assumeOwnRole(ctx context.Context) (err error) {
	e.Verified, err = e.assumeConfirmed(ctx, e.ownRole(e.RoleARN))
	e.origin = e.Verified
	return err
}

// assumeConfirmed assumes a role from the current credentials, and verifies the account.
func (e *Access) assumeConfirmed(ctx context.Context, role Role) (*Session, error) {
	session, err := assume(ctx, e.current, role, e.Region, e.sessionName())
	if err != nil {
		return nil, explainAssume(ctx, err, e.current, role)
	}
	return e.confirm(ctx, session)
}

// Reader returns a session that may read the account. In the account of the current
// credentials that is the bootstrap role for lookups if it can be assumed: the role of a
// pipeline may assume roles but read nothing, not even in its own account.
func (e *Access) Reader(ctx context.Context) (*Session, error) {
	if e.RoleARN == "" && e.Verified == e.origin {
		return e.Assume(ctx, e.lookupRole(), e.Region)
	}
	return e.Verified, nil
}

// lookupRole returns the bootstrap role for lookups.
func (e *Access) lookupRole() Role {
	return Role{ARN: bootstrap.RoleARN(e.Partition, e.Account, e.Region, cmp.Or(e.Qualifier, bootstrap.DefaultQualifier), bootstrap.LookupRole)}
}

// confirm verifies with AWS that the session is of the expected account.
func (e *Access) confirm(ctx context.Context, session *Session) (*Session, error) {
	confirmed, err := Identify(ctx, session.Config)
	if err != nil {
		return nil, err
	}
	if confirmed.Account != e.Account {
		return nil, errs.Invalidf("the credentials are for account %s instead of %s", confirmed.Account, e.Account).
			WithHint("correct account, roleArn or commandRoleArn in the configuration")
	}
	return confirmed, nil
}

// Assume returns a session of a role that the assembly names, in a region. An empty ARN
// is the session that Assume got access with. Each role is assumed once.
func (e *Access) Assume(ctx context.Context, role Role, region string) (*Session, error) {
	return e.session(role, region, func() (*Session, error) {
		return e.sessions.get(ctx, "any "+roleKey(role), func() (*Session, error) {
			session, err := e.assume(ctx, role)
			if err != nil {
				return fallBack(ctx, e.log, err, e.origin, role, e.Region)
			}
			return session, nil
		})
	})
}

// AssumeItself is Assume for a role that may not exist yet: it never falls back to other
// credentials, and a refusal is neither logged nor kept.
func (e *Access) AssumeItself(ctx context.Context, role Role, region string) (*Session, error) {
	return e.session(role, region, func() (*Session, error) {
		session, err := e.assume(ctx, role)
		if err != nil {
			return nil, explainAssume(ctx, err, e.origin, role)
		}
		return session, nil
	})
}

// session returns the origin for a role without ARN, else what get returns, in a region.
func (e *Access) session(role Role, region string, get func() (*Session, error)) (*Session, error) {
	if role.ARN == "" {
		if e.origin.Account != e.Account {
			return nil, errs.Invalidf("the app names no role for account %s, and the current credentials are of account %s", e.Account, e.origin.Account).
				WithHint("use the DefaultStackSynthesizer, or set roleArn for this environment")
		}
		return e.origin.In(region), nil
	}
	if accountOf(role.ARN) != e.Account {
		return nil, errs.Invalidf("the role %s is of account %q, but the environment's account is %s", role.ARN, accountOf(role.ARN), e.Account).
			WithHint("correct the stack synthesizer of the app, or deploy the stack in an environment of that account")
	}
	session, err := get()
	if err != nil {
		return nil, err
	}
	return session.In(region), nil
}

// assume assumes each role once.
func (e *Access) assume(ctx context.Context, role Role) (*Session, error) {
	return e.sessions.get(ctx, "itself "+roleKey(role), func() (*Session, error) {
		return assume(ctx, e.origin, role, e.Region, e.sessionName())
	})
}

func roleKey(role Role) string {
	key := role.ARN + "\n" + role.ExternalID + "\n" + role.Policy
	for _, tag := range slices.Sorted(maps.Keys(role.Tags)) {
		key += "\n" + tag + "=" + role.Tags[tag]
	}
	return key
}

var notInSessionName = regexp.MustCompile(`[^\w+=,.@-]+`)

// sessionName makes a role session name of a text of 2 or more characters: at most 64, of those that STS accepts.
func sessionName(text string) string {
	name := strings.Trim(notInSessionName.ReplaceAllString(text, "-"), "-")
	return name[:min(len(name), 64)]
}

var notInTag = regexp.MustCompile(`[^\p{L}\p{Z}\p{N}_.:/=+\-@]+`)

// boundTags makes session tags that STS accepts: at most 50, keys up to 128 and values up to 256 characters.
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

// IsDenied reports whether AWS refused a call because the identity lacks the permission.
func IsDenied(err error) bool {
	return slices.Contains([]string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}, errs.Code(err))
}
