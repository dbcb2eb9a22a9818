package github_test

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/aphex/aphex-pipeline/internal/notify/github"
)

// answers answers every request in the same way, and notes where requests go.
type answers struct {
	status         int
	location, body string
	hosts          map[string]bool
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.hosts[r.URL.Scheme+"://"+r.URL.Host] = true
	header := http.Header{"Retry-After": {a.location}, "X-RateLimit-Reset": {a.location}, "X-RateLimit-Remaining": {"0"}, "Location": {a.location}, "Link": {"<" + a.location + `>; rel="next"`}}
	return &http.Response{
		StatusCode: a.status, Status: strconv.Itoa(a.status), Header: header, Body: io.NopCloser(bytes.NewReader([]byte(a.body))), Request: r, ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// FuzzAnswer holds that whatever a server answers, no other one is asked, and that errors have
// neither the token nor what a terminal obeys.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "", `[{"id":1,"payload":"{\"run\":\"shop-1\"}","user":{"login":"bot"},"body":"<!-- aphex a -->\n"}]`)
	f.Add(301, "https://evil.example/repos/acme/shop", `{"message":"Moved"}`)
	f.Add(307, "//evil.example/x", ``)
	f.Add(403, "99999999999", `{"message":"API rate limit exceeded \u001b[31m ghp_secret","documentation_url":"https://docs.github.com/#secondary-rate-limits"}`)
	f.Add(422, "http://api.github.com/", `{"message":"x","errors":[{"resource":"a","field":"b","code":"c"},"text"]}`)
	f.Fuzz(func(t *testing.T, status int, location, body string) {
		if status < 100 || status > 599 {
			return
		}
		server := &answers{status, location, body, map[string]bool{}}
		repository, err := github.Open(github.Options{URL: "https://github.com/acme/shop", Host: "github.com", Token: "ghp_0123456789abcdef", Transport: server})
		if err != nil {
			t.Fatal(err)
		}
		commit := strings.Repeat("3f", 20)
		for _, err := range []error{
			repository.SetStatus(t.Context(), commit, github.Status{Context: "aphex/shop", State: github.Success, Description: "d"}),
			repository.SetDeployment(t.Context(), commit, github.Deployment{Environment: "shop/prod", Run: "shop-1", State: github.Success}),
			repository.Comment(t.Context(), 7, "a", "text"),
		} {
			if err != nil && (strings.ContainsFunc(err.Error(), unicode.IsControl) || strings.Contains(err.Error(), "0123456789abcdef")) {
				t.Errorf("%q", err)
			}
		}
		for host := range server.hosts {
			if host != "https://api.github.com" {
				t.Errorf("it asks %s", host)
			}
		}
	})
}
