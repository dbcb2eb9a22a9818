package kube_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/aphex/aphex-pipeline/internal/kube"
)

type content = map[string]any

// apiServer keeps objects as an API server does, as far as the package asks one:
// get, list by labels, delete, and server-side apply with managers, conflicts
// and dry runs. After every write it lets the controllers do their work.
type apiServer struct {
	mu       sync.Mutex
	objects  map[string]*stored // by path
	requests []string           // method, path, and "dry" for a dry run
	version  int

	refuse  func(method, path string, dry bool) int // status to refuse with, or 0
	control func(path string, object content)       // what controllers write into a stored object
}

type stored struct {
	applied map[string]content // what each manager wants
	whole   content
}

func newServer(t *testing.T) (*apiServer, kube.Cluster) {
	t.Helper()
	s := &apiServer{objects: map[string]*stored{}, control: accepting}
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	client, err := dynamic.NewForConfig(&rest.Config{Host: listening.URL, QPS: 1000, Burst: 1000})
	require.NoError(t, err)
	return s, kube.Cluster{Client: client, Patience: 2 * time.Second}
}

// accepting is a cluster whose controllers accept everything.
func accepting(path string, object content) {
	switch {
	case strings.Contains(path, "/workflows/"):
		object["status"] = content{"phase": "Running"}
	case strings.Contains(path, "/sensors/"), strings.Contains(path, "/eventsources/"):
		object["status"] = content{"conditions": []any{content{"type": "Deployed", "status": "True"}}}
	}
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dry := r.URL.Query().Get("dryRun") != ""
	entry := r.Method + " " + r.URL.Path
	if dry {
		entry += " dry"
	}
	s.requests = append(s.requests, entry)
	if s.refuse != nil {
		if code := s.refuse(r.Method, r.URL.Path, dry); code != 0 {
			answer(w, code, refusal(code, "refused by the test"))
			return
		}
	}
	switch r.Method {
	case http.MethodGet:
		s.get(w, r)
	case http.MethodPatch:
		s.patch(w, r, dry)
	case http.MethodPost:
		s.create(w, r)
	case http.MethodDelete:
		s.delete(w, r)
	}
}

func (s *apiServer) get(w http.ResponseWriter, r *http.Request) {
	if found := s.objects[r.URL.Path]; found != nil {
		answer(w, http.StatusOK, found.whole)
		return
	}
	parts := strings.Split(r.URL.Path, "/")
	named := slices.Index(parts, "namespaces") >= 0 && len(parts)-slices.Index(parts, "namespaces") == 4
	if named {
		answer(w, http.StatusNotFound, refusal(http.StatusNotFound, "not found"))
		return
	}
	items := []any{}
	for path, object := range s.objects {
		if inList(path, r.URL.Path) && selected(object.whole, r.URL.Query().Get("labelSelector")) {
			items = append(items, object.whole)
		}
	}
	answer(w, http.StatusOK, content{"kind": "List", "apiVersion": "v1", "metadata": content{}, "items": items})
}

// inList says whether an object's path is one of a list's, of one namespace or all.
func inList(object, list string) bool {
	parts := strings.Split(object, "/")
	resource := parts[len(parts)-2]
	if strings.Contains(list, "/namespaces/") {
		return strings.HasPrefix(object, list+"/")
	}
	return strings.HasSuffix(list, "/"+resource) && strings.HasPrefix(object, strings.TrimSuffix(list, resource))
}

func selected(object content, selector string) bool {
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

func (s *apiServer) patch(w http.ResponseWriter, r *http.Request, dry bool) {
	body, _ := io.ReadAll(r.Body)
	var wanted content
	if r.Header.Get("Content-Type") != "application/apply-patch+yaml" || json.Unmarshal(body, &wanted) != nil {
		answer(w, http.StatusBadRequest, refusal(http.StatusBadRequest, "no apply patch"))
		return
	}
	manager := r.URL.Query().Get("fieldManager")
	before := s.objects[r.URL.Path]
	next := &stored{applied: map[string]content{}}
	if before != nil {
		for name, applied := range before.applied {
			next.applied[name] = applied
			if name != manager && r.URL.Query().Get("force") != "true" && conflict(applied, wanted) {
				answer(w, http.StatusConflict, conflictWith(name))
				return
			}
		}
	}
	next.applied[manager] = wanted
	next.merge()
	s.number(next, before)
	if !dry {
		s.objects[r.URL.Path] = next
		s.control(r.URL.Path, next.whole)
	}
	answer(w, http.StatusOK, next.whole)
}

func (s *apiServer) number(next, before *stored) {
	if before != nil && reflect.DeepEqual(before.applied, next.applied) {
		next.whole = before.whole
		return
	}
	s.version++
	next.whole["metadata"].(content)["resourceVersion"] = strconv.Itoa(s.version)
}

func (o *stored) merge() {
	o.whole = content{}
	names := make([]string, 0, len(o.applied))
	for name := range o.applied {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		merge(o.whole, o.applied[name])
	}
}

func merge(into, from content) {
	for key, value := range from {
		inner, isMap := value.(content)
		existing, was := into[key].(content)
		switch {
		case isMap && was:
			merge(existing, inner)
		case isMap:
			into[key] = content{}
			merge(into[key].(content), inner)
		default:
			into[key] = value
		}
	}
}

// conflict says whether two managers want other values of one field.
func conflict(one, other content) bool {
	for key, value := range one {
		wanted, both := other[key]
		inner, isMap := value.(content)
		innerWanted, wantedMap := wanted.(content)
		switch {
		case !both:
		case isMap && wantedMap:
			if conflict(inner, innerWanted) {
				return true
			}
		case !reflect.DeepEqual(value, wanted):
			return true
		}
	}
	return false
}

func (s *apiServer) create(w http.ResponseWriter, r *http.Request) {
	var object content
	_ = json.NewDecoder(r.Body).Decode(&object)
	name, _, _ := unstructured.NestedString(object, "metadata", "name")
	path := r.URL.Path + "/" + name
	if s.objects[path] != nil {
		answer(w, http.StatusConflict, content{"kind": "Status", "status": "Failure", "code": 409, "reason": "AlreadyExists", "message": "it exists"})
		return
	}
	s.objects[path] = &stored{applied: map[string]content{}, whole: object}
	answer(w, http.StatusCreated, object)
}

func (s *apiServer) delete(w http.ResponseWriter, r *http.Request) {
	if s.objects[r.URL.Path] == nil {
		answer(w, http.StatusNotFound, refusal(http.StatusNotFound, "not found"))
		return
	}
	delete(s.objects, r.URL.Path)
	answer(w, http.StatusOK, content{"kind": "Status", "status": "Success"})
}

// put stores an object as another manager made it.
func (s *apiServer) put(path, manager string, object content) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := &stored{applied: map[string]content{manager: object}}
	next.merge()
	s.number(next, nil)
	s.objects[path] = next
}

// has lists the stored objects of a resource by name.
func (s *apiServer) has(resource string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for path := range s.objects {
		parts := strings.Split(path, "/")
		if parts[len(parts)-2] == resource {
			names = append(names, parts[len(parts)-1])
		}
	}
	slices.Sort(names)
	return names
}

func (s *apiServer) object(path string) *unstructured.Unstructured {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects[path] == nil {
		return &unstructured.Unstructured{Object: content{}}
	}
	return &unstructured.Unstructured{Object: s.objects[path].whole}
}

// writes lists the requests that changed something.
func (s *apiServer) writes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, request := range s.requests {
		if !strings.HasPrefix(request, http.MethodGet) && !strings.HasSuffix(request, " dry") {
			all = append(all, request)
		}
	}
	return all
}

func answer(w http.ResponseWriter, code int, body content) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

func refusal(code int, message string) content {
	reasons := map[int]string{400: "BadRequest", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 422: "Invalid", 503: "ServiceUnavailable"}
	return content{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reasons[code], "message": message}
}

func conflictWith(manager string) content {
	status := refusal(http.StatusConflict, "Apply failed with 1 conflict")
	status["details"] = content{"causes": []any{content{
		"reason": "FieldManagerConflict", "message": `conflict with "` + manager + `" using v1`, "field": ".spec",
	}}}
	return status
}
