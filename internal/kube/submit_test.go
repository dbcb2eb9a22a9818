package kube_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

func TestAMissedPushStartsTheRunThatTheSensorWouldStart(t *testing.T) {
	s, c := newServer(t)
	objects := renderedFrom(t, shopConfiguration)
	_, err := c.Apply(t.Context(), objects)
	require.NoError(t, err)
	commit := strings.Repeat("0123456789", 4)
	missed := kube.Submission{
		Namespace: "argo-events", Sensor: "shop-sensor", Trigger: argo.PushTrigger, Name: "shop-1", Former: "shop-0", Title: commit,
		Parameters: map[string]string{"commit-sha": commit, "pusher": "somebody"},
	}
	run, started, err := c.Submit(t.Context(), missed)
	require.NoError(t, err)
	assert.True(t, started)
	assert.Equal(t, "shop-1", run)

	workflow := s.Object("/apis/argoproj.io/v1alpha1/namespaces/argo/workflows/" + run)
	values := map[string]any{}
	for _, entry := range workflow.Object["spec"].(kubetest.Content)["arguments"].(kubetest.Content)["parameters"].([]any) {
		values[entry.(kubetest.Content)["name"].(string)] = entry.(kubetest.Content)["value"]
	}
	assert.Equal(t, map[string]any{
		"commit-sha": commit, "branch": "main", "repo-url": "https://github.com/my-org/shop.git", "repo-name": "my-org/shop", "pusher": "somebody",
	}, values)

	assert.Equal(t, "Deploy my-org/shop, main at "+commit, workflow.GetAnnotations()["workflows.argoproj.io/title"])

	_, started, err = c.Submit(t.Context(), missed)
	require.NoError(t, err)
	assert.False(t, started, "one commit has one run")
}

func TestARunOfAFormerNameIsARunOfItsCommit(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Apply(t.Context(), renderedFrom(t, shopConfiguration))
	require.NoError(t, err)
	s.Put("/apis/argoproj.io/v1alpha1/namespaces/argo/workflows/shop-0", "argo", kubetest.Content{"kind": "Workflow", "metadata": kubetest.Content{"name": "shop-0"}})
	s.Refuse = func(r kubetest.Request) int {
		if r.Method == http.MethodGet && strings.Contains(r.Path, "/workflows/") {
			return http.StatusForbidden // the reconciler has no permission to read runs
		}
		return 0
	}
	run, started, err := c.Submit(t.Context(), kube.Submission{
		Namespace: "argo-events", Sensor: "shop-sensor", Trigger: argo.PushTrigger, Name: "shop-1", Former: "shop-0",
	})
	require.NoError(t, err)
	assert.False(t, started)
	assert.Equal(t, "shop-0", run)
	assert.Equal(t, []string{"shop-0"}, s.Has("workflows"))
}

func TestAResumedRunIsOfTheVersionThatWasHandedOverTo(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Apply(t.Context(), renderedFrom(t, shopConfiguration))
	require.NoError(t, err)
	_, started, err := c.Submit(t.Context(), kube.Submission{
		Namespace: "argo-events", Sensor: "shop-sensor", Trigger: argo.PushTrigger, Name: "shop-1-h", Template: "shop-3f", Entrypoint: argo.ResumeEntry,
		Parameters: map[string]string{"commit-sha": "0", "artifact": "a", "gates": "", "origin": "shop-1"},
	})
	require.NoError(t, err)
	assert.True(t, started)
	var workflow wfv1.Workflow
	text, err := s.Object("/apis/argoproj.io/v1alpha1/namespaces/argo/workflows/shop-1-h").MarshalJSON()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &workflow))
	assert.Equal(t, "shop-3f", workflow.Spec.WorkflowTemplateRef.Name)
	assert.Equal(t, "resume", workflow.Spec.Entrypoint)
	assert.Equal(t, "a", workflow.Spec.Arguments.GetParameterByName("artifact").Value.String())
	assert.Equal(t, "shop-1", workflow.Spec.Arguments.GetParameterByName("origin").Value.String())
	assert.Nil(t, workflow.Spec.Arguments.GetParameterByName("gates"), "the template has a value for an empty parameter")
}

func TestAnObjectIsCreatedOnce(t *testing.T) {
	s, c := newServer(t)
	object := manifest.Object{Kind: "Workflow", Namespace: "argo", Name: "shop-1-h", YAML: []byte(
		"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: shop-1-h, namespace: argo}\n")}
	for _, want := range []bool{true, false} {
		created, err := c.Create(t.Context(), object)
		require.NoError(t, err)
		assert.Equal(t, want, created)
	}
	s.Refuse = func(kubetest.Request) int { return http.StatusForbidden }
	_, err := c.Create(t.Context(), object)
	require.ErrorContains(t, err, "workflow/shop-1-h")
	assert.Contains(t, errs.HintOf(err), "generator")
}

func TestAMissingSensorIsNamed(t *testing.T) {
	_, c := newServer(t)
	_, _, err := c.Submit(t.Context(), kube.Submission{Namespace: "argo-events", Sensor: "shop-sensor", Trigger: "push"})
	require.ErrorContains(t, err, `there is no sensor/shop-sensor in namespace "argo-events"`)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))

	_, err = c.Apply(t.Context(), renderedFrom(t, shopConfiguration))
	require.NoError(t, err)
	_, _, err = c.Submit(t.Context(), kube.Submission{Namespace: "argo-events", Sensor: "shop-sensor", Trigger: "gone"})
	assert.ErrorContains(t, err, `no trigger "gone"`)
}

func TestATemplateThatDoesNotKnowAParameterRunsNothing(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Apply(t.Context(), renderedFrom(t, shopConfiguration))
	require.NoError(t, err)
	submission := kube.Submission{
		Namespace: "argo-events", Sensor: "shop-sensor", Trigger: argo.PushTrigger, Name: "shop-1-b1", Entrypoint: argo.ResumeEntry,
		Requires: []string{"purpose", "of a later version"},
	}
	_, _, err = c.Submit(t.Context(), submission)
	require.ErrorContains(t, err, `does not know the parameter "of a later version"`)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Empty(t, s.Has("workflows"))
	submission.Requires = []string{"purpose"}
	_, started, err := c.Submit(t.Context(), submission)
	require.NoError(t, err)
	assert.True(t, started)
	submission.Template = "shop-of-yore"
	_, _, err = c.Submit(t.Context(), submission)
	require.ErrorContains(t, err, "there is no workflowtemplate/shop-of-yore")
}

func TestTheAPIServerSaysWhoAsksAndWhetherAPolicyDenies(t *testing.T) {
	s, c := newServer(t)
	user, err := c.User(t.Context())
	require.NoError(t, err)
	assert.Equal(t, kubetest.User, user)

	run := manifest.Object{Kind: "Workflow", YAML: []byte("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: nobody, namespace: argo}\n")}
	denies, err := c.Denies(t.Context(), "shop-asked", run)
	require.NoError(t, err)
	assert.False(t, denies, "there is no policy")
	assert.Empty(t, s.Has("workflows"), "a dry run")
	for message, want := range map[string]bool{
		`workflows.argoproj.io "nobody" is forbidden: ValidatingAdmissionPolicy 'shop-asked' with binding 'shop-asked' denied request: who?`:  true,
		`workflows.argoproj.io "nobody" is forbidden: ValidatingAdmissionPolicy 'other-asked' with binding 'shop-asked' denied request: who?`: false,
		`workflows.argoproj.io is forbidden: User "x" cannot create resource "workflows"`:                                                     false,
	} {
		s.Message = message
		s.Refuse = func(r kubetest.Request) int { return http.StatusForbidden }
		denies, err := c.Denies(t.Context(), "shop-asked", run)
		require.NoError(t, err, message)
		assert.Equal(t, want, denies, message)
	}
	s.Refuse = func(kubetest.Request) int { return http.StatusServiceUnavailable }
	_, err = c.Denies(t.Context(), "shop-asked", run)
	require.Error(t, err, "nobody knows")
}
