package kube_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
)

// ofCluster are the objects of the whole cluster.
func ofCluster(s *kubetest.Server) []string {
	return append(s.Has("validatingadmissionpolicies"), s.Has("validatingadmissionpolicybindings")...)
}

func TestAnAdministratorInstallsAndRemovesTheAdmissionPolicy(t *testing.T) {
	s, c := newServer(t)
	permitted, missing, err := c.Permitted(t.Context(), renderedFrom(t, shopConfiguration))
	require.NoError(t, err)
	assert.Empty(t, missing)
	_, err = c.Apply(t.Context(), permitted)
	require.NoError(t, err)
	require.Len(t, ofCluster(s), 4)

	pipeline := s.Object("/api/v1/namespaces/argo/serviceaccounts/shop").GetLabels()["aphex.dev/pipeline"]
	_, err = c.Delete(t.Context(), pipeline, "argo", "argo-events")
	require.NoError(t, err)
	assert.Empty(t, ofCluster(s))
}

func TestWhoMayNotWriteObjectsOfTheClusterInstallsTheRestAndIsTold(t *testing.T) {
	for code, reason := range map[int]string{
		http.StatusForbidden: "your Kubernetes credentials may not write validatingadmissionpolicy/",
		http.StatusNotFound:  "the cluster does not know the kind ValidatingAdmissionPolicy",
	} {
		s, c := newServer(t)
		s.Refuse = func(r kubetest.Request) int {
			if strings.Contains(r.Path, "/validatingadmissionpolic") {
				return code
			}
			return 0
		}
		all := renderedFrom(t, shopConfiguration)
		permitted, missing, err := c.Permitted(t.Context(), all)
		require.NoError(t, err)
		assert.Contains(t, missing, reason)
		assert.Len(t, permitted, len(all)-4)
		_, err = c.Apply(t.Context(), permitted)
		require.NoError(t, err)
		assert.Empty(t, ofCluster(s))
		assert.NotEmpty(t, s.Has("sensors"))

		pipeline := s.Object("/api/v1/namespaces/argo/serviceaccounts/shop").GetLabels()["aphex.dev/pipeline"]
		_, err = c.Delete(t.Context(), pipeline, "argo", "argo-events")
		require.NoError(t, err)
		assert.Empty(t, s.Has("sensors"))
	}
}

func TestACommitChangesNothingThatBoundsThePipeline(t *testing.T) {
	s, c := newServer(t)
	bounding := []string{"networkpolicies", "roles", "rolebindings", "serviceaccounts", "secrets"}
	_, err := c.Update(t.Context(), renderedFrom(t, shopConfiguration))
	require.NoError(t, err)
	assert.Empty(t, ofCluster(s))
	for _, resource := range bounding {
		assert.Empty(t, s.Has(resource), resource)
	}

	_, err = c.Apply(t.Context(), renderedFrom(t, shopConfiguration))
	require.NoError(t, err)
	assert.NotEmpty(t, ofCluster(s))
	for _, resource := range bounding {
		assert.NotEmpty(t, s.Has(resource), "%s: the same objects as a person applies them", resource)
	}
}
