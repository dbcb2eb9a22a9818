// Package githubtest is a server that answers as the API of GitHub Enterprise Server does, with
// its documented limits, for tests. It is strict: what GitHub would refuse, or what no client
// of ours should send, is refused with GitHub's status and message.
package githubtest

import (
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Owner and Name are those of the one repository of the server, and Commit is in it.
const (
	Owner  = "my-org"
	Name   = "shop"
	Commit = "0123456789abcdef0123456789abcdef01234567"
)

// Token is a token that the server knows.
type Token struct {
	// Login is whose token it is.
	Login string
	// Rights are its permissions as names of GitHub's API with "write" or "read", such as
	// statuses: write.
	Rights map[string]string
	// Expires is when it stops working; zero is never.
	Expires time.Time
}

// App is a GitHub App that is installed in the repository.
type App struct {
	ID, Installation int64
	Owner            string // of the repositories of the installation; "" is Owner
	Key              *rsa.PublicKey
	Rights           map[string]string // that the installation has
}

// Status is a status of the commit.
type Status struct {
	Context, State, Description string
	TargetURL                   string `json:"target_url"`
	SHA                         string `json:"-"`
}

// Deployment is a deployment of the commit with its states, oldest first.
type Deployment struct {
	ID          int64           `json:"id"`
	SHA         string          `json:"sha"`
	Environment string          `json:"environment"`
	Task        string          `json:"task"`
	Payload     json.RawMessage `json:"payload"`
	States      []DeploymentState
}

// DeploymentState is a state of a deployment.
type DeploymentState struct {
	State, Description string
	LogURL             string `json:"log_url"`
}

// Comment is a comment on the pull request 7.
type Comment struct {
	ID   int64  `json:"id"`
	Body string `json:"body"`
	User struct {
		Login string `json:"login"`
	} `json:"user"`
}

// PullRequest is the number of the one pull request.
const PullRequest = 7

// Server is the server. Its fields are changed before it is used, or by [Server.Set].
type Server struct {
	*httptest.Server

	lock        sync.Mutex
	Tokens      map[string]*Token
	App         *App
	Statuses    []Status
	Deployments []Deployment
	Comments    []Comment
	Requests    []string          // methods and paths, in the order of arrival
	Asked       []json.RawMessage // bodies of requests for tokens of installations

	// Remaining is how many requests the primary rate limit leaves.
	Remaining int
	// Creations is how many more requests that make content the secondary rate limit leaves.
	Creations int
	// RetryAfter is what the secondary rate limit answers, in seconds.
	RetryAfter int
	// Has reports whether a commit is in the repository; nil is Commit alone.
	Has func(commit string) bool
	// Answer answers a request in place of the server, if it returns true.
	Answer func(w http.ResponseWriter, r *http.Request) bool
}

// New starts a server with the token "token", which may do everything.
func New(t *testing.T) *Server {
	t.Helper()
	s := &Server{
		Tokens:    map[string]*Token{"token": {Login: "bot", Rights: map[string]string{"statuses": "write", "deployments": "write", "pull_requests": "write", "metadata": "read"}}},
		Remaining: 5000, Creations: 500, RetryAfter: 60,
	}
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	return s
}

// Host is the host of the server, as githubHost has it.
func (s *Server) Host() string { return strings.TrimPrefix(s.URL, "https://") }

// Repository is the URL of the repository.
func (s *Server) Repository() string { return s.URL + "/" + Owner + "/" + Name + ".git" }

// Set changes the server while it is used.
func (s *Server) Set(change func(*Server)) {
	s.lock.Lock()
	defer s.lock.Unlock()
	change(s)
}

// Last returns the newest status of each context, whatever its commit.
func (s *Server) Last() map[string]Status {
	s.lock.Lock()
	defer s.lock.Unlock()
	last := map[string]Status{}
	for _, status := range s.Statuses {
		status.SHA = ""
		last[status.Context] = status
	}
	return last
}

func (s *Server) has(commit string) bool {
	if s.Has != nil {
		return s.Has(commit)
	}
	return commit == Commit
}

// refusal is an answer that is an error.
type refusal struct {
	status  int
	message string
	about   string // end of the documentation's URL
}

func (r *refusal) Error() string { return r.message }

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, message: fmt.Sprintf(format, args...)}
}

// request is a request of an authenticated client.
type request struct {
	*http.Request
	body  []byte
	token *Token
	parts []string // of the path, after the repository
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // whole, as a server learns only then that a client is gone
	s.lock.Lock()
	defer s.lock.Unlock()
	s.Requests = append(s.Requests, r.Method+" "+r.URL.Path)
	if s.Answer != nil {
		answer := s.Answer
		s.lock.Unlock()
		done := answer(w, r)
		s.lock.Lock()
		if done {
			return
		}
	}
	header := w.Header()
	status, value, err := s.answer(r, body)
	if all, is := value.([]Comment); is && len(all) > 0 && all[len(all)-1].ID < int64(len(s.Comments)) {
		next, query := *r.URL, r.URL.Query()
		number, _ := strconv.Atoi(query.Get("page"))
		query.Set("page", strconv.Itoa(max(number, 1)+1))
		next.RawQuery = query.Encode()
		header.Set("Link", fmt.Sprintf(`<%s%s>; rel="next"`, s.URL, next.String()))
	}
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("X-RateLimit-Limit", "5000")
	header.Set("X-RateLimit-Remaining", strconv.Itoa(max(s.Remaining, 0)))
	header.Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(30*time.Minute).Unix(), 10))
	if err != nil {
		status, value = err.status, map[string]string{"message": err.message, "documentation_url": "https://docs.github.com/rest" + err.about}
		if err.about == secondary {
			header.Set("Retry-After", strconv.Itoa(s.RetryAfter))
		}
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

const (
	secondary = "/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"
	mostOfAll = 100 // of a page
)

// answer checks what all requests have in common.
func (s *Server) answer(r *http.Request, body []byte) (int, any, *refusal) {
	path, is := strings.CutPrefix(r.URL.Path, "/api/v3/")
	switch {
	case !is:
		return 0, nil, refuse(404, "Not Found")
	case r.Header.Get("User-Agent") == "":
		return 0, nil, refuse(403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header")
	case !strings.HasPrefix(r.Header.Get("Accept"), "application/"):
		return 0, nil, refuse(415, "Unsupported 'Accept' header")
	}
	if path == "app" || strings.HasPrefix(path, "app/") {
		return s.appToken(r, path, body)
	}
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	token := s.Tokens[key]
	if token == nil || (!token.Expires.IsZero() && !time.Now().Before(token.Expires)) {
		return 0, nil, refuse(401, "Bad credentials")
	}
	if s.Remaining--; s.Remaining < 0 {
		return 0, nil, refuse(403, "API rate limit exceeded for user ID 1.")
	}
	if r.Method != http.MethodGet {
		if s.Creations--; s.Creations < 0 {
			return 0, nil, &refusal{403, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.", secondary}
		}
	}
	parts := strings.Split(path, "/")
	if path == "user" {
		if token.Login == "" { // of an installation
			return 0, nil, refuse(403, "Resource not accessible by integration")
		}
		return 200, map[string]string{"login": token.Login}, nil
	}
	if len(parts) < 3 || parts[0] != "repos" || parts[1] != Owner || parts[2] != Name {
		return 0, nil, refuse(404, "Not Found")
	}
	return s.serve(request{r, body, token, parts[3:]})
}

// serve finds the handler of a request.
func (s *Server) serve(r request) (int, any, *refusal) {
	number := strconv.Itoa(PullRequest)
	is := func(method string, pattern ...string) bool {
		return r.Method == method && slices.EqualFunc(r.parts, pattern, func(part, want string) bool { return want == "*" || part == want })
	}
	switch {
	case is("GET"):
		return r.with("metadata", "read", func() (int, any, *refusal) { return 200, map[string]any{"name": Name}, nil })
	case is("GET", "hooks"):
		return r.with("repository_hooks", "read", func() (int, any, *refusal) { return 200, []any{}, nil })
	case is("POST", "statuses", "*"):
		return r.with("statuses", "write", func() (int, any, *refusal) { return s.setStatus(r) })
	case is("GET", "deployments"):
		return r.with("deployments", "read", func() (int, any, *refusal) { return s.listDeployments(r) })
	case is("POST", "deployments"):
		return r.with("deployments", "write", func() (int, any, *refusal) { return s.deploy(r) })
	case is("POST", "deployments", "*", "statuses"):
		return r.with("deployments", "write", func() (int, any, *refusal) { return s.setDeployment(r) })
	case is("GET", "issues", number, "comments"):
		return r.with("pull_requests", "read", func() (int, any, *refusal) { return s.listComments(r) })
	case is("POST", "issues", number, "comments"):
		return r.with("pull_requests", "write", func() (int, any, *refusal) { return s.comment(r) })
	case is("PATCH", "issues", "comments", "*"):
		return r.with("pull_requests", "write", func() (int, any, *refusal) { return s.edit(r) })
	}
	return 0, nil, refuse(404, "Not Found")
}

// with answers if the token has a right.
func (r request) with(right, level string, answer func() (int, any, *refusal)) (int, any, *refusal) {
	if has := r.token.Rights[right]; has != "write" && has != level {
		return 0, nil, refuse(403, "Resource not accessible by personal access token")
	}
	return answer()
}

// decode reads a body that has no other members.
func (r request) decode(into any) *refusal {
	decoder := json.NewDecoder(strings.NewReader(string(r.body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return refuse(400, "Problems parsing JSON: %s", err)
	}
	return nil
}
