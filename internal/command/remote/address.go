package remote

import (
	"context"
	"net"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// network returns the network of an address: a Unix socket, or a port of the loopback
// interface. What is sent is not encrypted, so that nothing else is accepted.
func network(address string) (string, error) {
	if strings.Contains(address, "/") {
		return "unix", nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "", errs.Invalidf("%q is no address: %w", address, err).WithHint("write 127.0.0.1:7000, or the path of a Unix socket")
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", errs.Invalidf("%q is no address of the loopback interface", address).
			WithHint("the secret and the output are not encrypted; write 127.0.0.1:7000, or the path of a Unix socket")
	}
	return "tcp", nil
}

// Listen listens at a loopback address, host:port, or at the path of a Unix socket.
func Listen(address string) (net.Listener, error) {
	network, err := network(address)
	if err != nil {
		return nil, err
	}
	return net.Listen(network, address)
}

// connectPoll is the time between attempts to connect.
const connectPoll = 20 * time.Millisecond

// Connect connects to a server, for which it waits up to limit.
func Connect(ctx context.Context, address string, limit time.Duration) (net.Conn, error) {
	network, err := network(address)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			return conn, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(connectPoll):
		}
	}
}
