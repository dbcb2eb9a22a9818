package awsauth

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Session is an identity in a region, with credentials that renew themselves.
type Session struct {
	Config    aws.Config
	Account   string // 12 digits
	ARN       string // of the identity
	Partition string // such as "aws" or "aws-cn"
}

// In returns the same identity in another region.
func (s *Session) In(region string) *Session {
	there := *s
	there.Config = s.Config.Copy()
	there.Config.Region = region
	return &there
}

// Identify asks STS for the identity of the credentials.
func Identify(ctx context.Context, cfg aws.Config) (*Session, error) {
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, explainIdentity(err, cfg.Region)
	}
	s := &Session{Config: cfg, Account: aws.ToString(who.Account), ARN: aws.ToString(who.Arn)}
	identity, _ := arn.Parse(s.ARN)
	s.Partition = identity.Partition
	if s.Account == "" || s.Partition == "" {
		return nil, errs.Failedf("AWS answered with an identity without an account: %q", s.ARN)
	}
	return s, nil
}

// AccountOf returns the account that the credentials are of: as they say themselves, or else as STS does.
func AccountOf(ctx context.Context, cfg aws.Config) (string, error) {
	if cfg.Credentials != nil {
		if got, err := cfg.Credentials.Retrieve(ctx); err == nil && got.AccountID != "" {
			return got.AccountID, nil
		}
	}
	session, err := Identify(ctx, cfg)
	if err != nil {
		return "", err
	}
	return session.Account, nil
}

func explainIdentity(err error, region string) error {
	switch {
	case errors.Is(err, context.Canceled):
		return errs.Cancelledf("asking AWS for the identity of the credentials: %w", err)
	case errs.IsTemporary(err):
		return errs.Temporaryf("asking AWS for the identity of the credentials: %w", err)
	case isExpired(err):
		return errs.Invalidf("the AWS credentials have expired: %w", plain(err)).WithHint("renew them and run again")
	case credentialsRejected(err):
		return errs.Invalidf("AWS in region %s does not accept the credentials: %w", region, plain(err)).
			WithHint("check that they are the right ones, and that the region is enabled for the account")
	case errs.Code(err) == "":
		return errs.Invalidf("no usable AWS credentials: %w", err).
			WithHint("in a pod the service account needs an IAM role; elsewhere set AWS_PROFILE or AWS_ACCESS_KEY_ID")
	}
	return errs.Invalidf("asking AWS for the identity of the credentials: %w", plain(err))
}

// accountOf returns the account in an ARN; "" is none.
func accountOf(role string) string {
	parsed, _ := arn.Parse(role)
	return parsed.AccountID
}
