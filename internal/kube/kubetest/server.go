// Package kubetest is an API server for tests: it implements what a pipeline uses, and
// lets the test act as the controllers.
package kubetest

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Content is an object as JSON.
type Content = map[string]any

// Server implements the requests to an API server that a pipeline makes: get, list by
// labels, create, delete, and server-side apply with managers, conflicts and dry runs.
// Refuse and Control must be set before it is used.
type Server struct {
	// Refuse returns the status to refuse a request with, or 0. It may be nil.
	Refuse func(Request) int
	// Message is that of refusals, if it is set.
	Message string
	// Control changes an object as controllers would. The default is Accepting.
	Control func(path string, object Content)
	// Texts are the responses for paths without an object, such as a
	// log, by path.
	Texts map[string]string
	// URL is the address of the server.
	URL string

	mu       sync.Mutex
	objects  map[string]*stored // by path
	requests []string           // method, path, and "dry" for a dry run
	version  int
}

// User is the name of whoever makes requests.
const User = "jane@example.com"

// Request is a request to the server.
type Request struct {
	Method, Path string
	Dry          bool // a dry run
	Exists       bool // whether the object of that path exists
}

type stored struct {
	applied map[string]Content // applied by each manager
	whole   Content
}

// New starts a server without objects that lives as long as the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{objects: map[string]*stored{}, Control: Accepting, Texts: map[string]string{"/version": `{"major":"1","minor":"33","gitVersion":"v1.33.1-eks-0a1b2c"}`}}
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	s.URL = listening.URL
	return s
}

// Kubeconfig writes a kubeconfig file for the server and returns its path.
func (s *Server) Kubeconfig(t testing.TB) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "kubeconfig")
	text := "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters: [{name: test, cluster: {server: " + s.URL + "}}]\n" +
		"contexts: [{name: test, context: {cluster: test, user: test}}]\nusers: [{name: test, user: {}}]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Accepting acts as controllers that accept everything.
func Accepting(path string, object Content) {
	switch {
	case object["type"] == "kubernetes.io/service-account-token":
		object["data"] = Content{"token": base64.StdEncoding.EncodeToString([]byte("token-of-the-cluster"))}
	case strings.HasSuffix(path, "/deployments/buildkitd"):
		object["status"] = Content{"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
	case strings.Contains(path, "/workflows/"):
		object["status"] = Content{"phase": "Running"}
	case strings.Contains(path, "/sensors/"), strings.Contains(path, "/eventsources/"):
		object["status"] = Content{"conditions": []any{Content{"type": "Deployed", "status": "True"}}}
	}
}

// pods of Argo Events, by the objects that they work for: their label, the
// variable that holds the object, and what they log when they work.
var pods = map[string]struct{ label, variable, log string }{
	"eventsources": {"eventsource-name", "EVENTSOURCE_OBJECT", "route is activated"},
	"sensors":      {"sensor-name", "SENSOR_OBJECT", "Subscribing to subject push\nSubscribing to subject pull"},
}

// podOf returns the path of the pod that Argo Events runs for an object; "" is none.
func podOf(path string) (pod, label string) {
	parts := strings.Split(path, "/")
	kind, runs := pods[parts[len(parts)-2]]
	if !runs {
		return "", ""
	}
	return "/api/v1/namespaces/" + parts[len(parts)-3] + "/pods/" + parts[len(parts)-1] + "-" + kind.label, kind.label
}

// run acts as Argo Events: it runs the pod of an object, which is ready at once.
func (s *Server) run(path string, object Content) {
	pod, label := podOf(path)
	if pod == "" {
		return
	}
	parts := strings.Split(path, "/")
	namespace, name, kind := parts[len(parts)-3], parts[len(parts)-1], pods[parts[len(parts)-2]]
	encoded, _ := json.Marshal(object)
	s.objects[pod] = &stored{applied: map[string]Content{}, whole: Content{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": Content{"name": name + "-" + label, "namespace": namespace, "labels": Content{label: name}},
		"spec": Content{"containers": []any{Content{"env": []any{
			Content{"name": kind.variable, "value": base64.StdEncoding.EncodeToString(encoded)},
		}}}},
		"status": Content{"conditions": []any{
			Content{"type": "Ready", "status": "True", "lastTransitionTime": time.Now().UTC().Format(time.RFC3339)},
		}},
	}}
	s.Texts[pod+"/log"] = kind.log
	if label == "eventsource-name" {
		s.Texts["/api/v1/namespaces/"+namespace+"/services/http:"+name+"-eventsource-svc:12000/proxy/push"] = "the webhook answers"
	}
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dry := r.URL.Query().Get("dryRun") != ""
	entry := r.Method + " " + r.URL.Path
	if dry {
		entry += " dry"
	}
	s.requests = append(s.requests, entry)
	if s.Refuse != nil {
		if code := s.Refuse(Request{r.Method, r.URL.Path, dry, s.objects[r.URL.Path] != nil}); code != 0 {
			answer(w, code, refusal(code, cmp.Or(s.Message, "refused by the test")))
			return
		}
	}
	switch r.Method {
	case http.MethodGet:
		s.get(w, r)
	case http.MethodPatch:
		s.patch(w, r, dry)
	case http.MethodPost:
		s.create(w, r, dry)
	case http.MethodDelete:
		s.delete(w, r)
	}
}

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	if text, found := s.Texts[r.URL.Path]; found {
		_, _ = w.Write([]byte(text))
		return
	}
	if strings.Contains(r.URL.Path, "/proxy/") || strings.HasSuffix(r.URL.Path, "/log") {
		answer(w, http.StatusServiceUnavailable, refusal(http.StatusServiceUnavailable, "no endpoints available"))
		return
	}
	if found := s.objects[r.URL.Path]; found != nil {
		answer(w, http.StatusOK, found.whole)
		return
	}
	parts := strings.Split(r.URL.Path, "/")
	if len(parts) == len([]string{"", "apis", "group", "version", "resource", "name"}) && !slices.Contains(parts, "namespaces") {
		answer(w, http.StatusNotFound, refusal(http.StatusNotFound, "not found"))
		return
	}
	if depth := len(parts) - slices.Index(parts, "namespaces"); slices.Contains(parts, "namespaces") && (depth == 2 || depth == 4) {
		answer(w, http.StatusNotFound, refusal(http.StatusNotFound, "not found"))
		return
	}
	items := []any{}
	for path, object := range s.objects {
		if inList(path, r.URL.Path) && selected(object.whole, r.URL.Query().Get("labelSelector")) {
			items = append(items, object.whole)
		}
	}
	answer(w, http.StatusOK, Content{"kind": "List", "apiVersion": "v1", "metadata": Content{}, "items": items})
}

// inList reports whether an object's path is one of a list's, of one namespace or all.
func inList(object, list string) bool {
	parts := strings.Split(object, "/")
	resource := parts[len(parts)-2]
	if strings.Contains(list, "/namespaces/") {
		return strings.HasPrefix(object, list+"/")
	}
	return strings.HasSuffix(list, "/"+resource) && strings.HasPrefix(object, strings.TrimSuffix(list, resource))
}

func selected(object Content, selector string) bool {
	labels := (&unstructured.Unstructured{Object: object}).GetLabels()
	for _, term := range strings.Split(selector, ",") {
		if key, value, ok := strings.Cut(term, "!="); ok {
			if labels[key] == value {
				return false
			}
		} else if key, value, ok := strings.Cut(term, "="); ok && labels[key] != value {
			return false
		}
	}
	return true
}

func (s *Server) create(w http.ResponseWriter, r *http.Request, dry bool) {
	var object Content
	_ = json.NewDecoder(r.Body).Decode(&object)
	if object["kind"] == "SelfSubjectReview" {
		object["status"] = Content{"userInfo": Content{"username": User}}
		answer(w, http.StatusCreated, object)
		return
	}
	name, _, _ := unstructured.NestedString(object, "metadata", "name")
	path := r.URL.Path + "/" + name
	if s.objects[path] != nil {
		answer(w, http.StatusConflict, Content{"kind": "Status", "status": "Failure", "code": 409, "reason": "AlreadyExists", "message": "it exists"})
		return
	}
	if !dry {
		s.objects[path] = &stored{applied: map[string]Content{}, whole: object}
	}
	answer(w, http.StatusCreated, object)
}

func (s *Server) delete(w http.ResponseWriter, r *http.Request) {
	if s.objects[r.URL.Path] == nil {
		answer(w, http.StatusNotFound, refusal(http.StatusNotFound, "not found"))
		return
	}
	delete(s.objects, r.URL.Path)
	if pod, _ := podOf(r.URL.Path); pod != "" {
		delete(s.objects, pod)
	}
	answer(w, http.StatusOK, Content{"kind": "Status", "status": "Success"})
}

// Put stores an object applied by another manager.
func (s *Server) Put(path, manager string, object Content) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := &stored{applied: map[string]Content{manager: object}}
	next.merge()
	s.number(next, nil)
	s.objects[path] = next
}

// Has lists the stored objects of a resource by name.
func (s *Server) Has(resource string) []string {
	names := []string{}
	for _, path := range s.Paths() {
		parts := strings.Split(path, "/")
		if parts[len(parts)-2] == resource {
			names = append(names, parts[len(parts)-1])
		}
	}
	slices.Sort(names)
	return names
}

// Paths lists all stored objects.
func (s *Server) Paths() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

// Object returns a stored object, or an empty one if there is none.
func (s *Server) Object(path string) *unstructured.Unstructured {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects[path] == nil {
		return &unstructured.Unstructured{Object: Content{}}
	}
	return &unstructured.Unstructured{Object: s.objects[path].whole}
}

// Requests lists all requests: method, path, and "dry" for a dry run.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Forget empties the list of requests.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// Writes lists the requests that changed something.
func (s *Server) Writes() []string {
	return slices.DeleteFunc(s.Requests(), func(request string) bool {
		return strings.HasPrefix(request, http.MethodGet) || strings.HasSuffix(request, " dry")
	})
}

func answer(w http.ResponseWriter, code int, body Content) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

func refusal(code int, message string) Content {
	reasons := map[int]string{400: "BadRequest", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 422: "Invalid", 503: "ServiceUnavailable"}
	return Content{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reasons[code], "message": message}
}

func conflictWith(manager string) Content {
	status := refusal(http.StatusConflict, "Apply failed with 1 conflict")
	status["details"] = Content{"causes": []any{Content{
		"reason": "FieldManagerConflict", "message": `conflict with "` + manager + `" using v1`, "field": ".spec",
	}}}
	return status
}
