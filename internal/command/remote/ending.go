package remote

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A container for commands that the kubelet has to end makes its pod end a second later:
// the kubelet looks at containers once a second, ends this one when it has seen the others
// end, and sees the pod end the next time. A server that ends by itself right after the
// last of the others ends with it. Earlier, the kubelet would start it again.
//
// The last of the others is Argo's own, which reports the results of the stage to the API
// of the cluster, and keeps a connection to it until it ends. The containers of a pod
// share its network, so that the server sees that connection.

// endingPoll is the time between two looks at the connections.
const endingPoll = 25 * time.Millisecond

// clients counts the connections to a server.
type clients struct {
	mu   sync.Mutex
	open map[net.Conn]bool
}

func (c *clients) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	default:
		if c.open == nil {
			c.open = map[net.Conn]bool{}
		}
		c.open[conn] = true
	}
}

func (c *clients) none() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open) == 0
}

// left returns when the client is gone, and after it the last connection that the other
// containers of the pod have to the API of their cluster, which reported says. It returns
// false if ctx ends before, also when there never was one.
func (s *Server) left(ctx context.Context, clients *clients) bool {
	ticker := time.NewTicker(endingPoll)
	defer ticker.Stop()
	seen := false
	for {
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
		switch {
		case !s.bound() || !clients.none():
			seen = false
		case s.Reporting():
			seen = true
		case seen:
			return true
		}
	}
}

// Hold connects to the server at the address, if one is given, until release is called:
// between two programs that use it, it must not take the end of the first for that of the
// pod.
func Hold(ctx context.Context, address string) (release func()) {
	if address == "" {
		return func() {}
	}
	ctx, stop := context.WithCancel(ctx)
	var held sync.WaitGroup
	held.Go(func() {
		conn, err := Connect(ctx, address, usualPatience.dial)
		if err != nil {
			return // the program that needs the server reports it
		}
		<-ctx.Done()
		_ = conn.Close()
	})
	return func() { stop(); held.Wait() }
}

func (s *Server) bound() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.secret != nil
}

// ToCluster returns a function that reports whether the containers of this pod have a
// connection to the API of their cluster, whose address the kubelet gives in two
// variables. It is nil outside of a pod, and where the connections cannot be read.
func ToCluster(getenv func(string) string) func() bool {
	address, err := netip.ParseAddrPort(net.JoinHostPort(getenv("KUBERNETES_SERVICE_HOST"), getenv("KUBERNETES_SERVICE_PORT")))
	if err != nil {
		return nil
	}
	if _, err := connectedTo("/proc/self/net", address); err != nil {
		return nil
	}
	return func() bool {
		connected, err := connectedTo("/proc/self/net", address)
		return connected || err != nil
	}
}

// connectedTo reports whether the tables of connections in a folder have one to the address.
func connectedTo(folder string, address netip.AddrPort) (bool, error) {
	for _, table := range []string{"tcp", "tcp6"} {
		file, err := os.Open(folder + "/" + table)
		if os.IsNotExist(err) && table == "tcp6" {
			continue // without IPv6
		}
		if err != nil {
			return false, err
		}
		remotes, err := established(file)
		_ = file.Close()
		if err != nil || slices.Contains(remotes, address) {
			return err == nil, err
		}
	}
	return false, nil
}

// established returns the far ends of the connections in a table of Linux that neither
// side has ended: proc(5), /proc/net/tcp.
func established(table io.Reader) (remotes []netip.AddrPort, err error) {
	const state = "01"
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || fields[3] != state {
			continue
		}
		if remote, ok := parseRemote(fields[2]); ok {
			remotes = append(remotes, remote)
		}
	}
	return remotes, lines.Err()
}

// parseRemote parses an address of the table: words of four bytes in the order of the
// machine, and a port, all in hexadecimal.
func parseRemote(text string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(text, ":")
	bytes, err := hex.DecodeString(host)
	number, portErr := strconv.ParseUint(port, 16, 16)
	if err != nil || portErr != nil || len(bytes)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for word := range slices.Chunk(bytes, 4) {
		binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
	}
	address, ok := netip.AddrFromSlice(bytes)
	return netip.AddrPortFrom(address.Unmap(), uint16(number)), ok
}
