package awsauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// renewBefore is how long before their expiry credentials are renewed.
const renewBefore = 5 * time.Minute

// Role is a role to assume.
type Role struct {
	ARN        string
	ExternalID string
	Tags       map[string]string // session tags
	Policy     string            // session policy, as JSON, that narrows the role's permissions; may be empty
}

// assume returns a session of the role, assumed from another session. The first
// credentials are fetched at once, so that a refusal is reported here.
func assume(ctx context.Context, from *Session, role Role, region, name string) (*Session, error) {
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(from.Config), role.ARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = name
		if role.ExternalID != "" {
			o.ExternalID = aws.String(role.ExternalID)
		}
		if role.Policy != "" {
			o.Policy = aws.String(role.Policy)
		}
		for _, key := range slices.Sorted(maps.Keys(role.Tags)) {
			o.Tags = append(o.Tags, types.Tag{Key: aws.String(key), Value: aws.String(role.Tags[key])})
			o.TransitiveTagKeys = append(o.TransitiveTagKeys, key)
		}
	})
	cache := aws.NewCredentialsCache(ofAccount{provider, accountOf(role.ARN), from.Config}, func(o *aws.CredentialsCacheOptions) {
		o.ExpiryWindow = renewBefore
		o.ExpiryWindowJitterFrac = 0.5
	})
	if _, err := cache.Retrieve(ctx); err != nil {
		return nil, err
	}
	cfg := from.Config.Copy()
	cfg.Credentials = cache
	cfg.Region = region
	return &Session{
		Config: withRetries(cfg, cache), Account: accountOf(role.ARN), Partition: from.Partition,
		ARN: fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", from.Partition, accountOf(role.ARN), nameOf(role.ARN), name),
	}, nil
}

// ofAccount gives credentials of one account only: each time that they are issued,
// the account that AWS says they are of is compared.
type ofAccount struct {
	aws.CredentialsProvider
	account string
	config  aws.Config // to ask AWS where its answer names no account
}

// Retrieve gets credentials and compares their account.
func (p ofAccount) Retrieve(ctx context.Context) (aws.Credentials, error) {
	got, err := p.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	account := got.AccountID
	if account == "" {
		cfg := p.config.Copy()
		cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return got, nil })
		session, err := Identify(ctx, cfg)
		if err != nil {
			return aws.Credentials{}, err
		}
		account = session.Account
	}
	if account != p.account {
		return aws.Credentials{}, &otherAccountError{account, p.account}
	}
	return got, nil
}

// otherAccountError says that credentials are not of the role that was assumed.
type otherAccountError struct{ got, want string }

func (e *otherAccountError) Error() string {
	return "the credentials are for account " + e.got + " instead of " + e.want
}

// NotAssumedError says that a role does not exist or that the caller may not assume it.
type NotAssumedError struct{ From, Role string } // ARNs

func (e *NotAssumedError) Error() string { return e.From + " may not assume " + e.Role }

// explainAssume explains why a role could not be assumed and what to do. If ctx has
// ended meanwhile, that is the reason, whatever the error is.
func explainAssume(ctx context.Context, err error, from *Session, role Role) *errs.Error {
	var other *otherAccountError
	switch {
	case errors.As(err, &other):
		return errs.Failedf("assuming %s: %w", role.ARN, other).WithHint("find out what answers in place of AWS STS, before you run again")
	case errors.Is(err, context.Canceled), errors.Is(ctx.Err(), context.Canceled):
		return errs.Cancelledf("assuming %s: %w", role.ARN, err)
	case errs.IsTemporary(err):
		return errs.Temporaryf("assuming %s: %w", role.ARN, err)
	case isExpired(err):
		return errs.Invalidf("the AWS credentials of %s expired before %s could be assumed: %w", from.ARN, role.ARN, plain(err)).
			WithHint("renew them and run again")
	}
	refused := errs.Invalidf("%w: %w", &NotAssumedError{from.ARN, role.ARN}, plain(err))
	if len(role.Tags) > 0 && strings.Contains(err.Error(), tagSession) {
		return refused.WithHint("add %s next to sts:AssumeRole to the actions of the role's trust policy: the session has tags (%s)",
			tagSession, strings.Join(slices.Sorted(maps.Keys(role.Tags)), ", "))
	}
	if isBootstrapRole(role.ARN) {
		return refused.WithHint("bootstrap account %s with `cdk bootstrap --trust %s --trust-for-lookup %s --cloudformation-execution-policies <policy ARN>`, or set roleArn for this environment",
			accountOf(role.ARN), from.Account, from.Account)
	}
	return refused.WithHint("check that the role exists, that it trusts %s, and that externalId is the one that it requires", from.ARN)
}

// tagSession is the action of tagging a session, which AWS names if it is denied.
const tagSession = "sts:TagSession"

func isBootstrapRole(arn string) bool { return strings.Contains(arn, ":role/cdk-") }

// fallBack applies the rule of the CDK: if a role of the assembly cannot be assumed, the
// current credentials are used if they are of the right account.
func fallBack(ctx context.Context, log *slog.Logger, err error, from *Session, role Role, region string) (*Session, error) {
	explained := explainAssume(ctx, err, from, role)
	if isExpired(err) || explained.Kind != errs.Invalid || from.Account != accountOf(role.ARN) {
		return nil, explained
	}
	log.Warn("cannot assume a role; continuing with the current credentials, which are of the same account",
		"role", role.ARN, "identity", from.ARN, "reason", plain(err).Error())
	return from.In(region), nil
}
