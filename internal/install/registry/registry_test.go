package registry_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	ocidist "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/install/registry"
)

func TestANameIsResolvedToTheDigestThatItHasNow(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	server := httptest.NewServer(ocidist.New(ocidist.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	image := strings.TrimPrefix(server.URL, "http://") + "/aphex/builder:latest"
	reference, err := name.ParseReference(image)
	require.NoError(t, err)
	var digests []string
	for range 2 {
		index, err := random.Index(64, 1, 2)
		require.NoError(t, err)
		require.NoError(t, remote.WriteIndex(reference, index))
		want, err := index.Digest()
		require.NoError(t, err)
		found, err := registry.Digest(t.Context(), image)
		require.NoError(t, err)
		assert.Equal(t, want.String(), found)
		digests = append(digests, found)
	}
	assert.NotEqual(t, digests[0], digests[1])

	_, err = registry.Digest(t.Context(), strings.Replace(image, "builder", "other", 1))
	require.ErrorContains(t, err, "for the digest of "+strings.Replace(image, "builder", "other", 1))
}

func TestARegistryThatDoesNotAnswerIsNotWaitedFor(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(func() { close(release); server.Close() })
	ctx, done := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer done()
	_, err := registry.Digest(ctx, strings.TrimPrefix(server.URL, "http://")+"/aphex/builder")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
