package clients

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// TokenVariable is the environment variable with the token, for use without Secrets Manager.
const TokenVariable = "APHEX_TOKEN"

// Token returns the token for reading a repository: from the environment variable, else
// from the secret, whose value is {"token": "…"}. A repository on this machine needs none.
func Token(ctx context.Context, repository, secret string) (string, error) {
	return tokenIn(ctx, "", repository, secret)
}

// tokenIn is Token, with the secret in a region; "" is the SDK's default region.
func tokenIn(ctx context.Context, region, repository, secret string) (string, error) {
	if token := os.Getenv(TokenVariable); token != "" {
		return token, nil
	}
	if secret == "" || !strings.HasPrefix(repository, "https://") {
		return "", nil
	}
	base, err := awsauth.Load(ctx, region)
	if err != nil {
		return "", err
	}
	found, err := secretsmanager.NewFromConfig(base).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &secret})
	if err != nil {
		return "", explainSecret(secret, err)
	}
	token := TokenIn(aws.ToString(found.SecretString))
	if token == "" {
		return "", errs.Invalidf(`the secret %q is not of the form {"token": "…"}`, secret).WithHint("aws secretsmanager put-secret-value --secret-id %s", secret)
	}
	return token, nil
}

// TokenIn returns the token in the value of a secret, {"token": "…"}; "" is none.
func TokenIn(secret string) string {
	var content struct {
		Token string `json:"token"`
	}
	if json.Unmarshal([]byte(secret), &content) != nil {
		return ""
	}
	return content.Token
}

func explainSecret(secret string, err error) error {
	var missing *types.ResourceNotFoundException
	switch {
	case errors.As(err, &missing):
		return errs.Invalidf("there is no secret %q with the repository's token", secret).
			WithHint(`aws secretsmanager create-secret --name %s --secret-string '{"token": "…"}'`, secret)
	case awsauth.IsDenied(err):
		return errs.Invalidf("no permission to read the secret %q with the repository's token: %w", secret, err).
			WithHint("run `generator bootstrap` to grant access to the secret of githubTokenSecretName")
	case errs.IsTemporary(err):
		return errs.Temporaryf("reading the secret %q: %w", secret, err)
	}
	return fmt.Errorf("reading the secret %q: %w", secret, err)
}
