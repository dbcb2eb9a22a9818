package github

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	api "github.com/google/go-github/v89/github"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Options say which repository is opened, and how.
type Options struct {
	URL   string // https URL of the repository
	Host  string // that the repository must be on: github.com, or a GitHub Enterprise Server
	Token string // that Host gets, and no other server
	Login string // of the user of the token; "" asks GitHub
	// Transport is how servers are reached; nil is HTTP with the proxy of the environment.
	Transport http.RoundTripper
}

// Repository is a repository at GitHub. It is safe for concurrent use.
type Repository struct {
	client      *api.Client
	owner, name string
	login       func(context.Context) (string, error) // of the user of the token
}

// Open returns a repository. It contacts nothing.
func Open(o Options) (*Repository, error) {
	owner, name, err := nameIn(o.URL, o.Host)
	if err != nil {
		return nil, err
	}
	if o.Token == "" {
		return nil, errs.Invalidf("there is no token for %s", o.Host).WithHint("set githubTokenSecretName or githubApp in the configuration")
	}
	client, err := open(o, api.WithAuthToken(o.Token))
	if err != nil {
		return nil, err
	}
	return &Repository{client, owner, name, loginOf(client, o.Login)}, nil
}

// nameIn returns the owner and the name of the repository in a URL, which must be on the host.
func nameIn(address, host string) (owner, name string, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Host != host {
		return "", "", errs.Invalidf("the repository is not at https://%s/", host).WithHint("set githubHost to the host of the repository")
	}
	owner, name, found := strings.Cut(strings.Trim(strings.TrimSuffix(u.Path, ".git"), "/"), "/")
	if !found || owner == "" || name == "" || strings.Contains(name, "/") || owner == ".." || name == ".." {
		return "", "", errs.Invalidf("%q is not a repository of GitHub", u.Path).WithHint("its URL is https://%s/OWNER/REPOSITORY", host)
	}
	return owner, name, nil
}

// dotCom is the host of GitHub itself.
const dotCom = "github.com"

// API returns the URL of the API of a host (GitHub's documentation, "Getting started with
// the REST API", for github.com, for hosts with data residency and for Enterprise Server).
func API(host string) string {
	switch {
	case host == dotCom || strings.HasSuffix(host, ".ghe.com"):
		return "https://api." + host + "/"
	default:
		return "https://" + host + "/api/v3/"
	}
}

// mostOfAnswer is how much of an answer is read, in bytes.
const mostOfAnswer = 4 << 20

// bounded reads no more of an answer than mostOfAnswer.
type bounded struct{ http.RoundTripper }

// RoundTrip sends a request.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, mostOfAnswer), response.Body}
	return response, nil
}

// open returns a client for the API of a host, which follows no redirect to another one: it
// would send the token there.
func open(o Options, more ...api.ClientOptionsFunc) (*api.Client, error) {
	transport := o.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	base := API(o.Host)
	client, err := api.NewClient(append(more, api.WithURLs(&base, nil), api.WithUserAgent("aphex-pipeline"), api.WithHTTPClient(&http.Client{
		Transport: bounded{transport},
		CheckRedirect: func(to *http.Request, before []*http.Request) error {
			if first := before[0].URL; to.URL.Host != first.Host || to.URL.Scheme != first.Scheme || len(before) > 3 {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}))...)
	if err != nil {
		return nil, errs.Invalidf("opening %s: %w", o.Host, err)
	}
	return client, nil
}

// Reach reports as an error why the token does not reach the repository.
func (r *Repository) Reach(ctx context.Context) error {
	_, _, err := r.client.Repositories.Get(ctx, r.owner, r.name)
	return explain(ctx, "reading the repository "+r.owner+"/"+r.name, readMetadata, err)
}
