package kube_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/manifest"
)

const path = "/apis/argoproj.io/v1alpha1/namespaces/argo/workflowtemplates/shop"

func template() manifest.Object {
	return manifest.Object{
		Kind: "WorkflowTemplate", Namespace: "argo", Name: "shop",
		YAML: []byte("apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nmetadata: {name: shop, namespace: argo}\nspec: {entrypoint: run}\n"),
	}
}

// server answers as an API server does for one object: it speaks the wire
// protocol of server-side apply and keeps what it is given.
type server struct {
	t        *testing.T
	stored   map[string]any
	version  int
	requests []string
	refuse   func(r *http.Request) int // status to refuse with, or 0
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests = append(s.requests, r.Method+" "+r.URL.Query().Get("dryRun"))
	assert.Equal(s.t, path, r.URL.Path)
	if code := s.refuse(r); code != 0 {
		s.fail(w, code)
		return
	}
	if r.Method == http.MethodGet && s.stored == nil {
		s.fail(w, http.StatusNotFound)
		return
	}
	answer := s.stored
	if r.Method == http.MethodPatch {
		assert.Equal(s.t, "application/apply-patch+yaml", r.Header.Get("Content-Type"))
		assert.Equal(s.t, kube.FieldManager, r.URL.Query().Get("fieldManager"))
		answer = s.patch(r)
	}
	w.Header().Set("Content-Type", "application/json")
	assert.NoError(s.t, json.NewEncoder(w).Encode(answer))
}

func (s *server) patch(r *http.Request) map[string]any {
	body, err := io.ReadAll(r.Body)
	assert.NoError(s.t, err)
	var object map[string]any
	assert.NoError(s.t, json.Unmarshal(body, &object))
	before, _ := json.Marshal(s.stored["spec"])
	after, _ := json.Marshal(object["spec"])
	if string(before) != string(after) {
		s.version++
	}
	object["metadata"].(map[string]any)["resourceVersion"] = string(rune('0' + s.version))
	if r.URL.Query().Get("dryRun") == "" {
		s.stored = object
	} else if string(before) != string(after) {
		s.version--
	}
	return object
}

func (*server) fail(w http.ResponseWriter, code int) {
	reasons := map[int]string{404: "NotFound", 409: "Conflict", 422: "Invalid", 403: "Forbidden", 503: "ServiceUnavailable"}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reasons[code],
		"message": `conflict with "kubectl": .spec.entrypoint`,
	})
}

func cluster(t *testing.T, refuse func(r *http.Request) int) (kube.Cluster, *server) {
	t.Helper()
	s := &server{t: t, refuse: refuse}
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	client, err := dynamic.NewForConfig(&rest.Config{Host: listening.URL})
	require.NoError(t, err)
	return kube.Cluster{Client: client}, s
}

func accept(*http.Request) int { return 0 }

func TestObjectsAreTriedFirstThenAppliedAndTheirChangeIsTold(t *testing.T) {
	c, s := cluster(t, accept)
	for _, want := range []manifest.Action{manifest.Created, manifest.Unchanged} {
		changes, err := c.Apply(context.Background(), []manifest.Object{template()})
		require.NoError(t, err)
		assert.Equal(t, []manifest.Change{{Object: "workflowtemplate/shop", Action: want}}, changes)
	}
	assert.Equal(t, []string{"PATCH All", "GET ", "PATCH "}, s.requests[:3])

	changed := template()
	changed.YAML = []byte("apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nmetadata: {name: shop, namespace: argo}\nspec: {entrypoint: other}\n")
	changes, err := c.Apply(context.Background(), []manifest.Object{changed})
	require.NoError(t, err)
	assert.Equal(t, manifest.Changed, changes[0].Action)
}

func TestARefusedDryRunChangesNothing(t *testing.T) {
	c, s := cluster(t, func(r *http.Request) int {
		if r.URL.Query().Get("dryRun") != "" {
			return http.StatusUnprocessableEntity
		}
		return 0
	})
	_, err := c.Apply(context.Background(), []manifest.Object{template()})

	assert.ErrorContains(t, err, "the cluster refuses workflowtemplate/shop")
	assert.Equal(t, []string{"PATCH All"}, s.requests)
	assert.Nil(t, s.stored)
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	for code, want := range map[int]struct {
		text string
		kind fault.Kind
	}{
		http.StatusConflict:           {"fields that others own", fault.Failed},
		http.StatusForbidden:          {"no right to apply", fault.Failed},
		http.StatusNotFound:           {"does not know WorkflowTemplate", fault.Failed},
		http.StatusServiceUnavailable: {"applying workflowtemplate/shop", fault.Temporary},
	} {
		c, _ := cluster(t, func(*http.Request) int { return code })
		_, err := c.Apply(context.Background(), []manifest.Object{template()})
		assert.ErrorContains(t, err, want.text)
		assert.Equal(t, want.kind, fault.KindOf(err), code)
	}
}
