package checkout

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFilesInTheHomeFolderDoNotRedirectACheckout has commands write there what git would follow: another server, a
// helper to ask for the password, and a login. The program git shows that each attack works.
func TestFilesInTheHomeFolderDoNotRedirectACheckout(t *testing.T) {
	r, commit := oneCommit(t)
	var reached, locked atomic.Bool
	helped := filepath.Join(t.TempDir(), "helped")
	attacker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached.Store(true)
		w.WriteHeader(http.StatusTeapot)
	}))
	defer attacker.Close()
	var users sync.Map
	server := behind(t, r, func(w http.ResponseWriter, q *http.Request, git http.Handler) {
		user, _, _ := q.BasicAuth()
		users.Store(user, true)
		if locked.Load() && user == "" {
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		git.ServeHTTP(w, q)
	})
	for name, c := range map[string]struct {
		file, text string
		locked     bool
		succeeded  func() bool
	}{
		"another server": {".gitconfig", "[url \"" + attacker.URL + "/\"]\n\tinsteadOf = " + server.URL + "/\n", false, reached.Load},
		"a helper": {".gitconfig", "[credential]\n\thelper = \"!touch " + helped + "; exit 1\"\n", true, func() bool {
			_, err := os.Stat(helped)
			return err == nil
		}},
		"a login": {".netrc", "machine 127.0.0.1 login attacker password x\n", true, func() bool { _, tried := users.Load("attacker"); return tried }},
	} {
		home := t.TempDir()
		t.Setenv("HOME", home)
		require.NoError(t, os.WriteFile(filepath.Join(home, c.file), []byte(c.text), 0o600))
		reached.Store(false)
		users.Clear()
		locked.Store(c.locked)
		_ = os.Remove(helped)

		_, _, err := checkOutTo(t, server.URL+"/.git", commit)
		assert.Equal(t, c.locked, err != nil, "%s: %v", name, err)
		assert.False(t, c.succeeded(), name)

		git := exec.CommandContext(t.Context(), "git", "ls-remote", server.URL+"/.git")
		git.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1"}
		_ = git.Run()
		assert.True(t, c.succeeded(), "%s: the attack works on git", name)
	}
}
