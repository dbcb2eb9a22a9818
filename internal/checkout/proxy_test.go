package checkout

import (
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/checkout/gittest"
)

// fetchVariable makes this program fetch a commit: variables of a proxy are read once in a process.
const fetchVariable = "TEST_FETCH_COMMIT"

func TestACommitIsFetchedThroughTheProxyAndWithTheAuthoritiesOfTheConfiguration(t *testing.T) {
	if commit := os.Getenv(fetchVariable); commit != "" {
		dir := filepath.Join(t.TempDir(), "workspace")
		_, err := CheckOut(t.Context(), Options{URL: "https://example.com/my-org/.git", Host: "example.com", Commit: commit, Branch: "main", Dir: dir})
		require.NoError(t, err)
		assert.FileExists(t, filepath.Join(dir, "a"))
		return
	}
	repository := gittest.New(t)
	repository.Write("a", "b")
	commit := repository.Commit("one")
	repository.Git("config", "uploadpack.allowAnySHA1InWant", "true")
	root := t.TempDir()
	require.NoError(t, os.Symlink(repository.Dir, filepath.Join(root, "my-org")))
	handler, err := gittest.Handler(root)
	require.NoError(t, err)
	server := httptest.NewTLSServer(handler) // its certificate is of example.com
	t.Cleanup(server.Close)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	proxy := &tunnels{to: server.Listener.Addr().String()}
	listening := httptest.NewServer(proxy)
	t.Cleanup(listening.Close)

	fetch := func(variables ...string) ([]byte, error) {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		command.Env = append(append(os.Environ(), fetchVariable+"="+commit), variables...)
		return command.CombinedOutput()
	}
	output, err := fetch("HTTPS_PROXY="+listening.URL, "SSL_CERT_FILE="+authority, "SSL_CERT_DIR=/none")
	require.NoError(t, err, "%s", output)
	asked := proxy.asked()
	assert.NotEmpty(t, asked, "nothing goes around the proxy")
	for _, host := range asked {
		assert.Equal(t, "example.com:443", host)
	}

	output, err = fetch("HTTPS_PROXY="+listening.URL, "SSL_CERT_FILE=/none", "SSL_CERT_DIR=/none")
	require.Error(t, err)
	assert.Contains(t, string(output), "certificate")
}

// tunnels is a proxy that leads every host to one server.
type tunnels struct {
	to    string
	mutex sync.Mutex
	hosts []string
}

func (p *tunnels) asked() []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return append([]string{}, p.hosts...)
}

func (p *tunnels) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mutex.Lock()
	p.hosts = append(p.hosts, r.Host)
	p.mutex.Unlock()
	if r.Method != http.MethodConnect {
		http.Error(w, "tunnels only", http.StatusMethodNotAllowed)
		return
	}
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer server.Close()
	w.WriteHeader(http.StatusOK)
	client, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	done := make(chan struct{}, 2)
	for _, copying := range []func(){
		func() { _, _ = io.Copy(server, client) }, func() { _, _ = io.Copy(client, server) },
	} {
		go func() { copying(); done <- struct{}{} }()
	}
	<-done
}
