package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"time"
)

// MetadataAddresses are those at which pods find credentials of their node, of its tasks,
// and of EKS Pod Identity.
var MetadataAddresses = []string{"169.254.169.254", "169.254.170.2", "169.254.170.23"}

// NodeCredentials is what the servers at the MetadataAddresses hand out.
const NodeCredentials = `{"Code": "Success", "AccessKeyId": "ASIAOFTHENODE0000000"}`

// ServeMetadata gives the node the MetadataAddresses and answers there to everyone, until it
// is stopped.
func ServeMetadata(ctx context.Context) (stop func() error, err error) {
	var undo []func() error
	stop = func() error {
		var failures []error
		for _, each := range undo {
			failures = append(failures, each())
		}
		return errors.Join(failures...)
	}
	for _, address := range MetadataAddresses {
		if err := onNode("add", address); err != nil {
			return nil, errors.Join(err, stop())
		}
		undo = append(undo, func() error { return onNode("del", address) })
		var config net.ListenConfig
		listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(address, "80"))
		if err != nil {
			return nil, errors.Join(err, stop())
		}
		server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, NodeCredentials) // clients may go away
		})}
		undo = append(undo, server.Close)
		go func() { _ = server.Serve(listener) }() // it ends with ErrServerClosed
	}
	return stop, nil
}

// onNode adds an address to the node, or deletes it.
func onNode(change, address string) error {
	if output, err := exec.Command("ip", "address", change, address+"/32", "dev", "lo").CombinedOutput(); err != nil {
		return fmt.Errorf("ip address %s %s: %w: %s", change, address, err, output)
	}
	return nil
}
