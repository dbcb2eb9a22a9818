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
	"github.com/aphex/aphex-pipeline/internal/notify/github"
)

// TokenVariable is the environment variable with the token, for use without Secrets Manager.
const TokenVariable = "APHEX_TOKEN"

// Repository says where the repository of a pipeline is, and which secret opens it.
type Repository struct {
	URL    string
	Host   string // that the repository must be on
	Secret string // with the token, or with the private key of App
	App    string // as ID/INSTALLATION; "" is none
}

// Token returns the token for reading the repository: from the environment variable, else
// from the secret, whose value is {"token": "…"}, or else from GitHub, which gives a GitHub App
// one of an hour. A repository on this machine needs none. Secrets are given to mask.
func (r Repository) Token(ctx context.Context, mask func(string)) (string, error) {
	token, _, err := r.open(ctx, "", mask, github.Read)
	return token, err
}

// Open opens the repository at GitHub, with rights if it is by a GitHub App.
func (r Repository) Open(ctx context.Context, region string, mask func(string), rights github.Rights) (*github.Repository, error) {
	token, login, err := r.open(ctx, region, mask, rights)
	if err != nil {
		return nil, err
	}
	return github.Open(github.Options{URL: r.URL, Host: r.Host, Token: token, Login: login})
}

// open returns a token, and the login of its user if that is known. The secret is in a region;
// "" is the SDK's default.
func (r Repository) open(ctx context.Context, region string, mask func(string), rights github.Rights) (token, login string, err error) {
	if token = os.Getenv(TokenVariable); token == "" && r.Secret != "" && strings.HasPrefix(r.URL, "https://") {
		base, err := awsauth.Load(ctx, region)
		if err != nil {
			return "", "", err
		}
		if token, login, err = r.read(ctx, base, mask, rights); err != nil {
			return "", "", err
		}
	}
	mask(token)
	return token, login, nil
}

func (r Repository) read(ctx context.Context, base aws.Config, mask func(string), rights github.Rights) (token, login string, err error) {
	found, err := secretsmanager.NewFromConfig(base).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &r.Secret})
	if err != nil {
		return "", "", explainSecret(r.Secret, r.App, err)
	}
	text := aws.ToString(found.SecretString)
	if r.App == "" {
		if token = TokenIn(text); token == "" {
			return "", "", errs.Invalidf(`the secret %q is not of the form {"token": "…"}`, r.Secret).WithHint("aws secretsmanager put-secret-value --secret-id %s", r.Secret)
		}
		return token, "", nil
	}
	for _, part := range partsOf(text) {
		mask(part)
	}
	app, err := github.NewApp(r.App, KeyIn(text))
	if err != nil {
		return "", "", fmt.Errorf("the secret %q: %w", r.Secret, err)
	}
	at := github.Options{URL: r.URL, Host: r.Host}
	if rights.Comment() {
		if login, err = app.Login(ctx, at); err != nil {
			return "", "", err
		}
	}
	token, err = app.Token(ctx, at, rights)
	return token, login, err
}

// KeyIn returns the private key in the value of a secret: the text alone, or {"privateKey": "…"}.
func KeyIn(secret string) string {
	var content struct {
		PrivateKey string `json:"privateKey"`
	}
	if json.Unmarshal([]byte(secret), &content) == nil {
		return content.PrivateKey
	}
	return secret
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

func explainSecret(secret, app string, err error) error {
	var missing *types.ResourceNotFoundException
	switch {
	case errors.As(err, &missing) && app != "":
		return errs.Invalidf("there is no secret %q with the private key of the GitHub App", secret).
			WithHint(`aws secretsmanager create-secret --name %s --secret-string file://private-key.pem`, secret)
	case errors.As(err, &missing):
		return errs.Invalidf("there is no secret %q with the repository's token", secret).
			WithHint(`aws secretsmanager create-secret --name %s --secret-string '{"token": "…"}'`, secret)
	case refusesKey(err):
		return errs.Invalidf("no permission to use the key that encrypts the secret %q with the repository's token: %w", secret, err).WithHint("%s", keyFix)
	case awsauth.IsDenied(err):
		return errs.Invalidf("no permission to read the secret %q with the repository's token: %w", secret, err).
			WithHint("run `generator bootstrap` to grant access to the secret of githubTokenSecretName or githubApp")
	case errs.IsTemporary(err):
		return errs.Temporaryf("reading the secret %q: %w", secret, err)
	}
	return fmt.Errorf("reading the secret %q: %w", secret, err)
}
