package awsauth

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/aphex/aphex-pipeline/internal/awsauth/bootstrap"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// BootstrapVersion returns the version of the CDK's bootstrap stack in the session's
// account and region. An empty qualifier is the default one.
func BootstrapVersion(ctx context.Context, session *Session, qualifier string) (int, error) {
	if qualifier == "" {
		qualifier = bootstrap.DefaultQualifier
	}
	return readVersion(ctx, session, bootstrap.VersionParameter(qualifier))
}

func readVersion(ctx context.Context, session *Session, parameter string) (int, error) {
	region := session.Config.Region
	found, err := ssm.NewFromConfig(session.Config).GetParameter(ctx, &ssm.GetParameterInput{
		// A custom bootstrap template may keep the version encrypted.
		Name: aws.String(parameter), WithDecryption: aws.Bool(true),
	})
	var missing *types.ParameterNotFound
	switch {
	case errors.As(err, &missing):
		return 0, errs.Invalidf("account %s is not bootstrapped in %s: there is no parameter %s", session.Account, region, parameter).
			WithHint("run `cdk bootstrap aws://%s/%s`", session.Account, region)
	case errs.IsTemporary(err):
		return 0, errs.Temporaryf("reading the bootstrap version %s of account %s in %s: %w", parameter, session.Account, region, err)
	case credentialsRejected(err):
		return 0, session.Explain(err)
	case err != nil:
		return 0, errs.Invalidf("reading the bootstrap version %s of account %s in %s: %w", parameter, session.Account, region, plain(err))
	}
	value := aws.ToString(found.Parameter.Value)
	version, err := strconv.Atoi(value)
	if err != nil {
		return 0, errs.Invalidf("the bootstrap version %s of account %s in %s is %q, which is not a number", parameter, session.Account, region, value)
	}
	return version, nil
}

// Bootstraps checks bootstrap versions and reads each one once.
type Bootstraps struct {
	versions once[int]
}

// Require fails unless the parameter holds at least the version. A version
// of 0 or an empty parameter requires nothing.
func (b *Bootstraps) Require(ctx context.Context, session *Session, parameter string, version int) error {
	if version == 0 || parameter == "" {
		return nil
	}
	found, err := b.version(ctx, session, parameter)
	if err != nil {
		return err
	}
	if found < version {
		return errs.Invalidf("the app needs bootstrap version %d, but account %s has %d in %s", version, session.Account, found, session.Config.Region).
			WithHint("run `cdk bootstrap aws://%s/%s` with a current CDK CLI", session.Account, session.Config.Region)
	}
	return nil
}

func (b *Bootstraps) version(ctx context.Context, session *Session, parameter string) (int, error) {
	key := fmt.Sprintf("%s %s %s", session.Account, session.Config.Region, parameter)
	return b.versions.get(ctx, key, func() (int, error) { return readVersion(ctx, session, parameter) })
}
