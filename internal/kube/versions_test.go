package kube_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

func TestAVersionIsKeptAsLongAsARunCanLast(t *testing.T) {
	s, c := newServer(t)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	c.Now = func() time.Time { return now }
	update := func(version string) map[string]manifest.Action {
		changes, err := c.Update(t.Context(), pipeline(version))
		require.NoError(t, err)
		return actions(changes)
	}
	update("aa")
	update("bb")
	assert.JSONEq(t, `{"shop-aa":"2026-11-23T12:00:00Z"}`, s.Object(sensorPath).GetAnnotations()[manifest.AnnotationEarlier])

	now = now.Add(8*24*time.Hour - time.Minute)
	update("bb")
	assert.Equal(t, []string{"shop-aa", "shop-bb"}, s.Has("workflowtemplates"))

	now = now.Add(time.Minute)
	assert.Equal(t, manifest.Removed, update("bb")["workflowtemplate/shop-aa"])
	assert.Equal(t, []string{"shop-bb"}, s.Has("workflowtemplates"))
	assert.JSONEq(t, `{}`, s.Object(sensorPath).GetAnnotations()[manifest.AnnotationEarlier])
}

func TestAVersionThatIsUsedAgainIsKept(t *testing.T) {
	s, c := newServer(t)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	c.Now = func() time.Time { return now }
	for _, version := range []string{"aa", "bb", "aa"} {
		_, err := c.Update(t.Context(), pipeline(version))
		require.NoError(t, err)
	}
	now = now.Add(30 * 24 * time.Hour)
	_, err := c.Update(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	assert.Equal(t, []string{"shop-aa"}, s.Has("workflowtemplates"))
}

func TestAnUpdateThatChangesNothingWritesNothingNew(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Update(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	version := s.Object(sensorPath).GetResourceVersion()
	changes, err := c.Update(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	for object, action := range actions(changes) {
		assert.Equal(t, manifest.Unchanged, action, object)
	}
	assert.Equal(t, version, s.Object(sensorPath).GetResourceVersion())
}

func TestAVersionOfARenamedTemplateIsNotRemoved(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Update(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	renamed := pipeline("aa")
	renamed[2] = object("argoproj.io/v1alpha1", "WorkflowTemplate", "argo", "market-aa", "spec: {entrypoint: run}")
	_, err = c.Update(t.Context(), renamed)
	require.NoError(t, err)
	assert.Empty(t, s.Object(sensorPath).GetAnnotations()[manifest.AnnotationEarlier])
}

func TestANameWithOtherContentIsTaken(t *testing.T) {
	_, c := newServer(t)
	_, err := c.Update(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	taken := c.Taken(t.Context(), "argo")
	assert.False(t, taken("shop-aa", "sha256:aa"))
	assert.True(t, taken("shop-aa", "sha256:other"))
	assert.False(t, taken("shop-bb", "sha256:bb"))
}
