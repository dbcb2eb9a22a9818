package githubtest

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// mostOfStatuses is how many statuses a commit has for a context.
const mostOfStatuses = 1000

// problem returns what GitHub refuses in the description and the link of a status.
func problem(description, link string) *refusal {
	switch {
	case utf8.RuneCountInString(description) > 140:
		return refuse(422, "Validation Failed: description is too long (maximum is 140 characters)")
	case strings.ContainsFunc(description, func(r rune) bool { return r > 0xffff }):
		return refuse(422, "Validation Failed: description contains unicode characters above 0xffff")
	case strings.ContainsFunc(description, func(r rune) bool { return r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 }):
		return refuse(422, "a description with control characters")
	}
	if u, err := url.Parse(link); err != nil || link != "" && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return refuse(422, "Validation Failed: target_url must use http(s) scheme")
	}
	return nil
}

func (s *Server) setStatus(r request) (int, any, *refusal) {
	var status Status
	if err := r.decode(&status); err != nil {
		return 0, nil, err
	}
	same := 0
	for _, one := range s.Statuses {
		if one.Context == status.Context {
			same++
		}
	}
	switch {
	case !s.has(r.parts[1]):
		return 0, nil, refuse(422, "No commit found for SHA: %s", r.parts[1])
	case !slices.Contains([]string{"error", "failure", "pending", "success"}, status.State):
		return 0, nil, refuse(422, "Validation Failed: state is not included in the list")
	case status.Context == "" || utf8.RuneCountInString(status.Context) > 255:
		return 0, nil, refuse(422, "Validation Failed: context is too long (maximum is 255 characters)")
	case same >= mostOfStatuses:
		return 0, nil, refuse(422, "Validation Failed: This SHA and context has reached the maximum number of statuses.")
	}
	if err := problem(status.Description, status.TargetURL); err != nil {
		return 0, nil, err
	}
	status.SHA = r.parts[1]
	s.Statuses = append(s.Statuses, status)
	return 201, status, nil
}

func (s *Server) listDeployments(r request) (int, any, *refusal) {
	query, found := r.URL.Query(), []Deployment{}
	for _, d := range s.Deployments {
		if fits(query.Get("sha"), d.SHA) && fits(query.Get("environment"), d.Environment) && fits(query.Get("task"), d.Task) {
			found = append([]Deployment{d}, found...) // newest first
		}
	}
	return 200, page(found, query), nil
}

func fits(want, has string) bool { return want == "" || want == has }

// page returns a page of a list.
func page[T any](all []T, query url.Values) []T {
	size, number := 30, 1
	if n, err := strconv.Atoi(query.Get("per_page")); err == nil {
		size = min(max(n, 1), mostOfAll)
	}
	if n, err := strconv.Atoi(query.Get("page")); err == nil {
		number = max(n, 1)
	}
	from := min((number-1)*size, len(all))
	return all[from:min(from+size, len(all))]
}

func (s *Server) deploy(r request) (int, any, *refusal) {
	var in struct {
		Ref              string          `json:"ref"`
		Task             string          `json:"task"`
		AutoMerge        *bool           `json:"auto_merge"`
		RequiredContexts *[]string       `json:"required_contexts"`
		Payload          json.RawMessage `json:"payload"`
		Environment      string          `json:"environment"`
		Description      string          `json:"description"`
	}
	if err := r.decode(&in); err != nil {
		return 0, nil, err
	}
	switch {
	case !s.has(in.Ref):
		return 0, nil, refuse(422, "No ref found for: %s", in.Ref)
	case in.AutoMerge == nil || *in.AutoMerge:
		return 202, map[string]string{"message": "Auto-merged main into it on deployment."}, nil
	case in.RequiredContexts == nil || len(*in.RequiredContexts) > 0:
		return 0, nil, refuse(409, "Conflict: Commit status checks failed for %s", in.Ref)
	case utf8.RuneCountInString(in.Environment) > 255:
		return 0, nil, refuse(422, "Validation Failed: environment is too long (maximum is 255 characters)")
	}
	d := Deployment{ID: int64(len(s.Deployments) + 1), SHA: in.Ref, Environment: in.Environment, Task: in.Task, Payload: in.Payload}
	if d.Task == "" {
		d.Task = "deploy"
	}
	s.Deployments = append(s.Deployments, d)
	return 201, d, nil
}

func (s *Server) setDeployment(r request) (int, any, *refusal) {
	var state DeploymentState
	if err := r.decode(&state); err != nil {
		return 0, nil, err
	}
	at := slices.IndexFunc(s.Deployments, func(d Deployment) bool { return strconv.FormatInt(d.ID, 10) == r.parts[1] })
	switch {
	case at < 0:
		return 0, nil, refuse(404, "Not Found")
	case !slices.Contains([]string{"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}, state.State):
		return 0, nil, refuse(422, "Validation Failed: state is not included in the list")
	}
	if err := problem(state.Description, state.LogURL); err != nil {
		return 0, nil, err
	}
	s.Deployments[at].States = append(s.Deployments[at].States, state)
	return 201, state, nil
}

func (s *Server) listComments(r request) (int, any, *refusal) {
	return 200, page(s.Comments, r.URL.Query()), nil
}

// mostOfComment is how many characters a comment has.
const mostOfComment = 65536

func (r request) text() (string, *refusal) {
	var in struct {
		Body string `json:"body"`
	}
	if err := r.decode(&in); err != nil {
		return "", err
	}
	if in.Body == "" || utf8.RuneCountInString(in.Body) > mostOfComment {
		return "", refuse(422, "Validation Failed: body is too long (maximum is 65536 characters)")
	}
	return in.Body, nil
}

func (s *Server) comment(r request) (int, any, *refusal) {
	body, err := r.text()
	if err != nil {
		return 0, nil, err
	}
	c := Comment{ID: int64(len(s.Comments) + 1), Body: body}
	c.User.Login = r.token.author()
	s.Comments = append(s.Comments, c)
	return 201, c, nil
}

func (s *Server) edit(r request) (int, any, *refusal) {
	body, err := r.text()
	if err != nil {
		return 0, nil, err
	}
	for i, c := range s.Comments {
		if strconv.FormatInt(c.ID, 10) != r.parts[2] {
			continue
		}
		if c.User.Login != r.token.author() {
			return 0, nil, refuse(403, "Resource not accessible by personal access token")
		}
		s.Comments[i].Body = body
		return 200, s.Comments[i], nil
	}
	return 0, nil, refuse(404, "Not Found")
}

// author is the login that comments of the token have.
func (t *Token) author() string {
	if t.Login == "" {
		return AppLogin
	}
	return t.Login
}
