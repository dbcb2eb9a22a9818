package checkout

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/checkout/gittest"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestTheOrderOfTwoCommitsIsThatOfTheHistoryHoweverTheServerIsSetUp(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Write("file", "1")
	first := r.Commit("first")
	second := r.Commit("second")
	r.Git("checkout", "-q", "-b", "side", first)
	r.Write("side", "1")
	side := r.Commit("side")
	r.Git("checkout", "-q", "main")
	r.Git("merge", "-q", "--no-edit", "side")
	merge := r.Git("rev-parse", "HEAD")
	r.Write("file", "2")
	head := r.Commit("head")
	r.Git("checkout", "-q", "-b", "other", second)
	other := r.Commit("other")
	r.Git("checkout", "-q", "main")
	unknown := strings.Repeat("a", 40)
	cases := []struct {
		commit, than string
		want         Order
	}{
		{head, head, Same},
		{head, merge, After},
		{head, first, After},
		{head, side, After},
		{head, second, After},
		{merge, head, Before},
		{first, head, Before},
		{side, head, Before},
		{first, side, Before},
		{side, second, Diverged},
		{other, head, Diverged},
		{head, other, Diverged},
		{other, second, After},
		{head, unknown, Diverged}, // a force push removed it
	}
	for name, settings := range map[string][][]string{
		"any reachable commit": {{"uploadpack.allowReachableSHA1InWant", "true"}, {"uploadpack.allowFilter", "true"}},
		"no filter":            {{"uploadpack.allowReachableSHA1InWant", "true"}, {"uploadpack.allowFilter", "false"}},
		"tips only":            {{"uploadpack.allowReachableSHA1InWant", "false"}, {"uploadpack.allowFilter", "true"}},
	} {
		for _, setting := range settings {
			r.Git(append([]string{"config"}, setting...)...)
		}
		url := r.Serve()
		for _, c := range cases {
			got, err := OrderOf(t.Context(), Options{URL: url, Branch: "main", Commit: c.commit, AllowLocal: true}, c.than)
			require.NoError(t, err, name)
			assert.Equal(t, c.want, got, "%s: %s and %s", name, c.commit, c.than)
		}
	}
	for _, c := range cases {
		got, err := OrderOf(t.Context(), Options{URL: r.Dir, Branch: "main", Commit: c.commit, AllowLocal: true}, c.than)
		require.NoError(t, err)
		assert.Equal(t, c.want, got, "on this machine: %s and %s", c.commit, c.than)
	}
	_, err := OrderOf(t.Context(), Options{URL: r.Dir, Commit: "--upload-pack=x", AllowLocal: true}, head)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	_, err = OrderOf(t.Context(), Options{URL: r.Dir, Commit: head, AllowLocal: true}, "HEAD")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
}
