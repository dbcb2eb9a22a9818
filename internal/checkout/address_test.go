package checkout

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/checkout/gittest"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestOnlyTheConfiguredHostIsFetchedFrom(t *testing.T) {
	for _, url := range []string{
		"https://github.com/aphex/shop", "https://github.com/aphex/shop.git", "https://GitHub.com/aphex/shop", "https://github.com:443/aphex/shop",
	} {
		a, err := parseAddress(Options{URL: url, Token: "t0ken"}.withDefaults())
		require.NoError(t, err, url)
		assert.Equal(t, "t0ken", a.token, url)
	}
	a, err := parseAddress(Options{URL: "https://git.example.com:8443/shop", Host: "git.example.com:8443", Token: "t0ken"}.withDefaults())
	require.NoError(t, err)
	assert.Equal(t, "t0ken", a.token)
}

func TestOtherAddressesAreRefused(t *testing.T) {
	for _, url := range []string{
		"", "shop", "aphex/shop", "-u", "--upload-pack=touch /tmp/x", "git@github.com:aphex/shop.git", "ssh://git@github.com/aphex/shop",
		"git://github.com/aphex/shop", "ext::sh -c touch%20/tmp/x", "ext::sh", "http://github.com/aphex/shop", "ftp://github.com/x",
		"https://github.com.evil.com/aphex/shop", "https://evil.com/github.com/shop", "https://github.com:8443/aphex/shop",
		"https://evil.com@github.com/aphex/shop", "https://user:secret@github.com/aphex/shop", "https://github.com@evil.com/shop",
		"https://user:secret@[github.com/shop", "http://user:secret@github.com/shop", "ssh://user:secret@github.com/shop",
		"https://github.com", "https://github.com/", "https://github.com/..", "https://github.com/a?b=c", "https://github.com/a#b",
		"https://github.com/a b", "https://github.com/a\nb", "https://github.com/a\x00", "/srv/shop", "./shop", "../shop", ".", "file:///srv/shop",
		"http://127.0.0.1/shop", "http://localhost/shop", "https://localhost/shop", "https://[::1]/x",
	} {
		_, err := parseAddress(Options{URL: url, Token: "t0ken"}.withDefaults())
		require.Error(t, err, "%q", url)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), "%q", url)
		assert.NotContains(t, err.Error(), "secret", "a password is not echoed")
	}
}

func TestTheAddressInAHintIsAccepted(t *testing.T) {
	advised := regexp.MustCompile(`use (https://\S+?)(?:, with --host (\S+) if that is your git server)?$`)
	for _, address := range []string{
		"git@github.com:aphex/shop.git", "ssh://git@github.com/aphex/shop", "ssh://git@github.com:22/aphex/shop.git", "git://github.com/aphex/shop",
		"git@git.example.com:team/shop.git", "ssh://git.example.com/team/shop", "alice@git.example.com:/srv/shop.git",
	} {
		err := CheckURL(address, "", false)
		require.Error(t, err, address)
		parts := advised.FindStringSubmatch(errs.HintOf(err))
		require.NotNil(t, parts, "%s: %s", address, errs.HintOf(err))
		assert.NoError(t, CheckURL(parts[1], parts[2], false), address)
	}
	host := regexp.MustCompile(`(?:set|with) --host (\S+) if`)
	err := CheckURL("https://git.example.com:8443/team/shop", "", false)
	assert.NoError(t, CheckURL("https://git.example.com:8443/team/shop", host.FindStringSubmatch(errs.HintOf(err))[1], false))
}

func TestLocalRunsMayFetchFromThisMachineAndSendNoTokenThere(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1:8080/shop", "http://localhost/shop", "http://[::1]/shop", "file:///srv/shop", "/srv/shop", "."} {
		a, err := parseAddress(Options{URL: url, Token: "t0ken", AllowLocal: true}.withDefaults())
		require.NoError(t, err, url)
		assert.Empty(t, a.token, url)
	}
	for _, url := range []string{"http://10.0.0.1/shop", "http://github.com/shop", "file://server/share", "http://127.0.0.1.evil.com/x"} {
		_, err := parseAddress(Options{URL: url, AllowLocal: true}.withDefaults())
		assert.Error(t, err, url)
	}
}

func TestACommitIsAFullSHA(t *testing.T) {
	assert.NoError(t, CheckCommit(strings.Repeat("0a", 20)))
	assert.NoError(t, CheckCommit(strings.Repeat("0a", 32)))
	for _, commit := range []string{
		"", "main", "HEAD", "0a0a0a0", strings.Repeat("0A", 20), strings.Repeat("0g", 20), "-" + strings.Repeat("a", 39),
		strings.Repeat("a", 41), "--upload-pack=touch", strings.Repeat("a", 40) + "\n",
	} {
		assert.Equal(t, errs.Invalid, errs.KindOf(CheckCommit(commit)), "%q", commit)
	}

	r := gittest.New(t)
	r.Write("file", "content")
	r.Commit("one")
	owned := filepath.Join(t.TempDir(), "owned")
	option := "--upload-pack=touch " + owned + "; git-upload-pack"
	assert.Equal(t, errs.Invalid, errs.KindOf(CheckCommit(option)))
	require.NoFileExists(t, owned)
	output, err := exec.Command("git", "-C", r.Dir, "fetch", "--quiet", r.Dir, option).CombinedOutput()
	require.NoError(t, err, "%s", output)
	assert.FileExists(t, owned, "who gives a commit to the program git unchecked runs what it says")
}
