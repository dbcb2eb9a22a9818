package checkout

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/checkout/gittest"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestTheHeadOfABranchIsReadWithoutFetching(t *testing.T) {
	r := gittest.New(t)
	r.Write("file", "one")
	first := r.Commit("first")
	r.Git("checkout", "-q", "-b", "release/2.x")
	r.Write("file", "two")
	second := r.Commit("second")
	served := r.Serve()
	for name, url := range map[string]string{"over the network": served, "in a folder": r.Dir} {
		t.Run(name, func(t *testing.T) {
			for branch, want := range map[string]string{"main": first, "release/2.x": second, "gone": ""} {
				head, err := Head(t.Context(), Options{URL: url, Branch: branch, AllowLocal: true})
				require.NoError(t, err, branch)
				assert.Equal(t, want, head, branch)
			}
		})
	}
}

func TestABranchOfAnEmptyRepositoryHasNoHead(t *testing.T) {
	r := gittest.New(t)
	for _, url := range []string{r.Serve(), r.Dir} {
		head, err := Head(t.Context(), Options{URL: url, Branch: "main", AllowLocal: true})
		require.NoError(t, err)
		assert.Empty(t, head)
	}
}

func TestTheHeadIsReadFromTheConfiguredHostOnly(t *testing.T) {
	for _, url := range []string{"https://evil.test/o/r.git", "http://github.com/o/r.git", "ext::sh -c id", "/tmp", "https://token@github.com/o/r.git"} {
		_, err := Head(t.Context(), Options{URL: url, Branch: "main"})
		require.Error(t, err, url)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), url)
	}
}

func TestAServerThatDoesNotRespondIsATemporaryError(t *testing.T) {
	_, err := Head(t.Context(), Options{URL: "http://127.0.0.1:1/o/r.git", Branch: "main", AllowLocal: true, Limit: 5 * time.Second})
	require.ErrorContains(t, err, "http://127.0.0.1:1/o/r.git")
	assert.Equal(t, errs.Temporary, errs.KindOf(err))
}
