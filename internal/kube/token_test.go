package kube_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
)

func TestAnInstallationWaitsForTheTokenThatPodsMount(t *testing.T) {
	s, c := newServer(t)
	c.Patience = 300 * time.Millisecond
	s.Control = func(path string, object kubetest.Content) {
		if object["kind"] != "Secret" {
			kubetest.Accepting(path, object)
		}
	}
	_, err := c.Apply(t.Context(), renderedFrom(t, shopConfiguration))
	require.ErrorContains(t, err, "Kubernetes has not written a token into secret/shop-results.service-account-token")
	assert.Equal(t, errs.Temporary, errs.KindOf(err))

	s.Control = kubetest.Accepting
	_, err = c.Apply(t.Context(), renderedFrom(t, shopConfiguration))
	require.NoError(t, err)
}

func TestADiffHidesWhatASecretHolds(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Apply(t.Context(), renderedFrom(t, shopConfiguration))
	require.NoError(t, err)
	token := s.Object("/api/v1/namespaces/argo/secrets/shop-results.service-account-token").Object["data"].(kubetest.Content)["token"].(string)

	differences, err := c.Diff(t.Context(), renderedFrom(t, strings.Replace(shopConfiguration, "serviceAccountName: shop", "serviceAccountName: other", 1)))
	require.NoError(t, err)
	shown := texts(differences)
	assert.Contains(t, shown["removed secret/shop-results.service-account-token"], "token: (hidden)")
	for object, text := range shown {
		assert.NotContains(t, text, token, object)
	}
}
