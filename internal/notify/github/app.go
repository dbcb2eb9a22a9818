package github

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	api "github.com/google/go-github/v89/github"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Rights are the permissions of a token, which an App asks for.
type Rights struct{ asked api.InstallationPermissions }

// The rights of a token, for what it is used.
var (
	Read         = Rights{api.InstallationPermissions{Contents: api.Ptr("read")}}
	ReadWebhooks = Rights{api.InstallationPermissions{RepositoryHooks: api.Ptr("read")}}
	CommentOn    = Rights{api.InstallationPermissions{PullRequests: api.Ptr("write")}}
)

// Reports returns the rights to show statuses, deployments or both.
func Reports(shows []string) Rights {
	var asked api.InstallationPermissions
	for _, what := range shows {
		switch what {
		case Statuses:
			asked.Statuses = api.Ptr("write")
		case Deployments:
			asked.Deployments = api.Ptr("write")
		}
	}
	return Rights{asked}
}

// Comment reports whether comments are written with the rights, which only their author edits.
func (r Rights) Comment() bool { return r.asked.PullRequests != nil }

// String returns the rights as GitHub's settings name them.
func (r Rights) String() string {
	var names []string
	for name, level := range map[string]*string{
		"Contents": r.asked.Contents, "Webhooks": r.asked.RepositoryHooks, "Pull requests": r.asked.PullRequests, "Commit statuses": r.asked.Statuses, "Deployments": r.asked.Deployments,
	} {
		if level != nil {
			names = append(names, name+": "+*level)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// App is a GitHub App that is installed in a repository.
type App struct {
	id, installation int64
	key              *rsa.PrivateKey
}

// NewApp returns an App by its ids, as ID/INSTALLATION, and by its private key: a text in PEM.
func NewApp(ids, key string) (App, error) {
	id, installation, _ := strings.Cut(ids, "/")
	var a App
	var err error
	if a.id, err = strconv.ParseInt(id, 10, 64); err == nil {
		a.installation, err = strconv.ParseInt(installation, 10, 64)
	}
	if err != nil || a.id <= 0 || a.installation <= 0 {
		return App{}, errs.Invalidf("%q does not name a GitHub App and its installation", ids).WithHint("write ID/INSTALLATION")
	}
	if a.key, err = jwt.ParseRSAPrivateKeyFromPEM([]byte(key)); err != nil { // its text may have parts of the key
		return App{}, errs.Invalidf("it is not the private key of a GitHub App").WithHint("store the file that GitHub made for the App, which begins with -----BEGIN RSA PRIVATE KEY-----")
	}
	return a, nil
}

// Limits of the JSON Web Token of an App (GitHub's documentation, "Generating a JSON Web Token
// for a GitHub App"): it is valid for ten minutes at most, and clocks may differ.
const (
	validFor  = 9 * time.Minute
	clockSkew = time.Minute
)

// sign returns a JSON Web Token, with which the App itself asks.
func (a App) sign() (string, error) {
	now := time.Now()
	return jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
		Issuer: strconv.FormatInt(a.id, 10), IssuedAt: jwt.NewNumericDate(now.Add(-clockSkew)), ExpiresAt: jwt.NewNumericDate(now.Add(validFor)),
	}).SignedString(a.key)
}

func (a App) open(o Options) (*api.Client, error) {
	token, err := a.sign()
	if err != nil {
		return nil, fmt.Errorf("signing as the GitHub App: %w", err)
	}
	return open(o, api.WithAuthToken(token))
}

// Token returns a token of an hour for the repository of the options alone, with these rights
// and no others. The token of an installation of somebody else is refused.
func (a App) Token(ctx context.Context, o Options, rights Rights) (string, error) {
	owner, name, err := nameIn(o.URL, o.Host)
	if err != nil {
		return "", err
	}
	client, err := a.open(o)
	if err != nil {
		return "", err
	}
	asked := rights.asked
	made, _, err := client.Apps.CreateInstallationToken(ctx, a.installation, &api.InstallationTokenOptions{Repositories: []string{name}, Permissions: &asked})
	if err != nil {
		return "", a.explain(ctx, rights, err)
	}
	if len(made.Repositories) != 1 || !strings.EqualFold(made.Repositories[0].GetFullName(), owner+"/"+name) {
		return "", errs.Invalidf("installation %d of GitHub App %d is not that of %s/%s", a.installation, a.id, owner, name).
			WithHint("set githubApp.installationId to the number at the end of the address of its settings in GitHub")
	}
	return made.GetToken(), nil
}

// Login returns the login of what the App writes.
func (a App) Login(ctx context.Context, o Options) (string, error) {
	client, err := a.open(o)
	if err != nil {
		return "", err
	}
	app, _, err := client.Apps.Get(ctx, "")
	if err != nil {
		return "", a.explain(ctx, Rights{}, err)
	}
	return app.GetSlug() + "[bot]", nil
}

// explain says why an App gets no token.
func (a App) explain(ctx context.Context, rights Rights, err error) error {
	doing := fmt.Sprintf("getting a token as GitHub App %d", a.id)
	var answer *api.ErrorResponse
	if !errors.As(err, &answer) {
		return explain(ctx, doing, "", err)
	}
	switch answer.Response.StatusCode {
	case http.StatusUnauthorized:
		return errs.Invalidf("%s: %s", doing, said(answer)).WithHint("githubApp.id and the private key must be of the same App, and the clock right")
	case http.StatusForbidden, http.StatusNotFound:
		return errs.Invalidf("%s: %s", doing, said(answer)).WithHint("githubApp.installationId must be of an installation of the App, which is not suspended")
	case http.StatusUnprocessableEntity:
		return errs.Invalidf("%s: %s", doing, said(answer)).WithHint("install the App in the repository, with the permissions %s", rights)
	}
	return explain(ctx, doing, "", err)
}
