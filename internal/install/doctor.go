package install

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/notify/github"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// GitHub is the API of GitHub.
type GitHub struct {
	URL string // such as http://127.0.0.1:8080; "" is that of the repository's host
	// Do sends a request.
	Do func(*http.Request) (*http.Response, error)
}

// Doctor returns the checks of Check, that of its BuildKit, and those of the webhook in GitHub with its last deliveries. It changes nothing.
func Doctor(ctx context.Context, t Target, g GitHub) []kube.Check {
	found, checks := t.checks(ctx)
	checks = append(checks, t.checkBuilder(ctx)...)
	name := t.Config.RepositorySecret()
	if name == "" {
		return append(checks, kube.Check{
			What: "webhook in GitHub", Warning: true, Problem: "cannot be checked without a token",
			Fix: "set githubTokenSecretName or githubApp, or see " + hooksPage(t),
		})
	}
	text, err := readSecret(ctx, found.aws, name)
	if err != nil || t.problemOf(text) != nil {
		return checks // the check of the token says so
	}
	token := clients.TokenIn(text)
	if t.Config.GithubApp != nil {
		if token, err = g.tokenOf(ctx, t, text); err != nil {
			return append(checks, kube.Check{What: "webhook in GitHub", Warning: true, Problem: err.Error(), Fix: errs.HintOf(err) + ", or see " + hooksPage(t)})
		}
	}
	if g.URL == "" {
		g.URL = github.API(t.Config.GithubHost)
	}
	return append(checks, g.check(ctx, t, token))
}

// tokenOf returns a token of the GitHub App with that private key, to read webhooks.
func (g GitHub) tokenOf(ctx context.Context, t Target, secret string) (string, error) {
	app, err := github.NewApp(t.Config.RepositoryApp(), clients.KeyIn(secret))
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return app.Token(ctx, github.Options{URL: plan.RepositoryURL(t.Config), Host: t.Config.GithubHost, Transport: g}, github.ReadWebhooks)
}

// RoundTrip sends a request of a client of GitHub to the URL of g.
func (g GitHub) RoundTrip(r *http.Request) (*http.Response, error) {
	if to, err := url.Parse(g.URL); err == nil && g.URL != "" {
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host = to.Scheme, to.Host
	}
	return g.Do(r)
}

func hooksPage(t Target) string {
	return fmt.Sprintf("https://%s/%s/%s/settings/hooks", t.Config.GithubHost, t.Config.GithubOwner, t.Config.GithubRepo)
}

// hook is a webhook of a repository, in GitHub's API.
type hook struct {
	ID     int64    `json:"id"`
	Active bool     `json:"active"`
	Events []string `json:"events"`
	Config struct {
		URL string `json:"url"`
	} `json:"config"`
}

// delivery is what GitHub tried to send to a webhook.
type delivery struct {
	At     time.Time `json:"delivered_at"`
	Status string    `json:"status"`
	Code   int       `json:"status_code"`
	Event  string    `json:"event"`
}

// check checks that an active webhook sends pushes to the path of pipelines, and its last delivery.
func (g GitHub) check(ctx context.Context, t Target, token string) kube.Check {
	check := kube.Check{What: "webhook in GitHub"}
	repository := "/repos/" + url.PathEscape(t.Config.GithubOwner) + "/" + url.PathEscape(t.Config.GithubRepo) + "/hooks"
	var hooks []hook
	if err := g.get(ctx, token, repository+"?per_page=100", &hooks); err != nil {
		check.Problem, check.Warning = err.Error(), true
		check.Fix = "let the token read webhooks (fine-grained: Webhooks, read; classic: admin:repo_hook), or see " + hooksPage(t)
		return check
	}
	hooks = slices.DeleteFunc(hooks, func(h hook) bool {
		address, err := url.Parse(h.Config.URL)
		return err != nil || !strings.HasSuffix(strings.TrimSuffix(address.Path, "/"), plan.WebhookPath)
	})
	if len(hooks) == 0 {
		check.Problem, check.Fix = "no webhook of the repository ends with "+plan.WebhookPath, "add it with the settings that generator bootstrap prints: "+hooksPage(t)
		return check
	}
	for _, h := range hooks {
		var sent []delivery
		if err := g.get(ctx, token, fmt.Sprintf("%s/%d/deliveries?per_page=10", repository, h.ID), &sent); err != nil {
			check.Problem, check.Warning, check.Fix = err.Error(), true, "see "+hooksPage(t)
			return check
		}
		if check = verdictOf(h, sent, hooksPage(t)); check.Problem == "" {
			return check
		}
	}
	return check
}

// verdictOf returns the check of a webhook by its deliveries, of which the first is the last.
func verdictOf(h hook, sent []delivery, page string) kube.Check {
	check := kube.Check{What: "webhook " + h.Config.URL}
	switch {
	case !h.Active:
		check.Problem, check.Fix = "it is not active", "activate it: "+page
	case !slices.Contains(h.Events, "push") && !slices.Contains(h.Events, "*"):
		check.Problem, check.Fix = "it does not send pushes", "select the event push: "+page
	case len(sent) == 0:
		check.Warning, check.Problem, check.Fix = true, "GitHub lists no delivery of the last days", "push a commit, and run this again"
	case sent[0].Code < 200 || sent[0].Code > 299:
		check.Problem = fmt.Sprintf("the last delivery (%s, %s) failed: %d %s", sent[0].Event, sent[0].At.UTC().Format(time.RFC3339), sent[0].Code, sent[0].Status)
		check.Fix = "let GitHub reach the address from the internet, then redeliver it: " + page
		if sent[0].Code >= 400 && sent[0].Code < 500 {
			check.Fix = "GitHub signs with another secret, or the address is of something else: generator rotate webhook, then redeliver it: " + page
		}
	default:
		check.What += fmt.Sprintf(": last delivery (%s) %s, %d", sent[0].Event, sent[0].At.UTC().Format(time.RFC3339), sent[0].Code)
	}
	return check
}

// mostOfAnswer is the largest answer of GitHub that is read, in bytes.
const mostOfAnswer = 4 << 20

// get reads a JSON document of the API.
func (g GitHub) get(ctx context.Context, token, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(g.URL, "/")+path, nil)
	if err != nil {
		return fmt.Errorf("asking GitHub: %w", err)
	}
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := g.Do(request)
	if err != nil {
		return fmt.Errorf("asking GitHub: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GitHub answers %s to its webhooks", response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, mostOfAnswer)).Decode(into); err != nil {
		return fmt.Errorf("reading GitHub's answer: %w", err)
	}
	return nil
}

// Result is a check for other programs.
type Result struct {
	Check   string `json:"check"`  // what was checked
	Status  string `json:"status"` // ok, warning or failed
	Problem string `json:"problem,omitempty"`
	Fix     string `json:"fix,omitempty"` // what to do
}

// Results returns checks for other programs.
func Results(checks []kube.Check) []Result {
	results := []Result{}
	for _, c := range checks {
		status := "ok"
		switch {
		case c.Failed():
			status = "failed"
		case c.Problem != "":
			status = "warning"
		}
		results = append(results, Result{c.What, status, c.Problem, c.Fix})
	}
	return results
}

// Diagnosis returns the error of checks; nil if none failed.
func Diagnosis(checks []kube.Check) error {
	failed := 0
	for _, check := range checks {
		if check.Failed() {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	return errs.Failedf("failed checks: %d", failed).WithHint("see what to do below each of them")
}
