package remote_test

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/command/remote"
)

// pod is a server in a pod whose other container may have a connection to its cluster.
type pod struct {
	t         *testing.T
	address   string
	reporting atomic.Bool
	ended     chan error
}

func inPod(t *testing.T) *pod {
	t.Helper()
	p := &pod{t: t, address: filepath.Join(shortDir(t), "socket"), ended: make(chan error, 1)}
	listener, err := remote.Listen(p.address)
	require.NoError(t, err)
	server := &remote.Server{Runner: proc.Runner{}, Root: t.TempDir(), Reporting: p.reporting.Load}
	go func() { p.ended <- server.Serve(t.Context(), listener) }()
	return p
}

func (p *pod) dial(secret []byte) *remote.Client {
	p.t.Helper()
	client, err := remote.Dial(p.t.Context(), remote.Options{Address: p.address, Secret: secret})
	require.NoError(p.t, err)
	p.t.Cleanup(func() { _ = client.Close() })
	return client
}

// aWhile is many times as long as a server takes to see that its pod ends.
const aWhile = 300 * time.Millisecond

func (p *pod) remains(why string) {
	p.t.Helper()
	select {
	case <-p.ended:
		assert.Fail(p.t, "the server ended", why)
	case <-time.After(aWhile):
	}
}

func (p *pod) ends() {
	p.t.Helper()
	select {
	case err := <-p.ended:
		require.NoError(p.t, err, "another exit code could be taken for the one of ours")
	case <-time.After(time.Minute):
		require.Fail(p.t, "the server did not end")
	}
}

func TestAServerEndsAfterItsClientAndTheLastConnectionOfThePodToItsCluster(t *testing.T) {
	t.Parallel()
	p := inPod(t)
	p.reporting.Store(true)
	p.remains("no client was there yet")
	client := p.dial(nil)
	p.reporting.Store(false)
	p.remains("the client is there: an idle connection to the cluster may have been closed")
	require.NoError(t, client.Close())
	p.remains("the stage is over, and its results are not reported")
	p.reporting.Store(true)
	p.remains("the results are being reported")
	p.reporting.Store(false)
	p.ends()
}

func TestAServerWaitsForTheNextStageOfThePod(t *testing.T) {
	t.Parallel()
	p := inPod(t)
	secret := []byte("0123456789abcdef0123456789abcdef")
	first := p.dial(secret)
	p.reporting.Store(true)
	require.NoError(t, first.Close())
	p.remains("Argo's container is there")
	second := p.dial(secret)
	p.reporting.Store(false)
	p.remains("the second stage is there")
	require.NoError(t, second.Close())
	p.remains("nothing reported since it was")
}

func TestAServerThatIsHeldWaitsForTheNextProgram(t *testing.T) {
	t.Parallel()
	p := inPod(t)
	release := remote.Hold(t.Context(), p.address)
	first := p.dial(nil)
	time.Sleep(aWhile) // until it is held
	require.NoError(t, first.Close())
	p.reporting.Store(true)
	time.Sleep(aWhile)
	p.reporting.Store(false)
	p.remains("an idle connection was closed between two programs")
	release()
	p.reporting.Store(true)
	p.remains("the results are being reported")
	p.reporting.Store(false)
	p.ends()
	remote.Hold(t.Context(), "")()
}

func TestAServerThatNoStageUsedNeverEndsByItself(t *testing.T) {
	t.Parallel()
	p := inPod(t)
	for _, reporting := range []bool{true, false} {
		p.reporting.Store(reporting)
		p.remains("the kubelet would start it again and again")
	}
}

func TestAConnectionToTheClusterIsSeenFromThePod(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("connections are read from /proc")
	}
	for _, host := range []string{"127.0.0.1", "::1"} {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil && host == "::1" {
			t.Log("without IPv6:", err)
			continue
		}
		require.NoError(t, err)
		_, port, err := net.SplitHostPort(listener.Addr().String())
		require.NoError(t, err)
		reporting := remote.ToCluster(func(name string) string {
			return map[string]string{"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}[name]
		})
		require.NotNil(t, reporting)
		assert.False(t, reporting(), "nobody is connected to %s", host)
		conn, err := net.Dial("tcp", listener.Addr().String())
		require.NoError(t, err)
		assert.True(t, reporting(), host)
		require.NoError(t, conn.Close())
		require.NoError(t, listener.Close())
		assert.Eventually(t, func() bool { return !reporting() }, time.Minute, time.Millisecond, host)
	}
	assert.Nil(t, remote.ToCluster(func(string) string { return "" }), "a container outside of a cluster ends when it is told to")
	assert.Nil(t, remote.ToCluster(func(name string) string { return map[string]string{"KUBERNETES_SERVICE_HOST": os.TempDir()}[name] }))
}
