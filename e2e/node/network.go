package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Addresses of the node's network, which exists only in its namespace.
const (
	Address     = "10.199.0.1" // of the node: the API server, and everything outside of the cluster
	network     = Address + "/24"
	podNetwork  = "10.200.0.0/16"
	services    = "10.96.0.0/16"
	APIService  = "10.96.0.1" // the API server, for pods
	apiPort     = "6443"
	APIEndpoint = "https://" + Address + ":" + apiPort
)

// configureNetwork gives the empty namespace an address, and a route for the addresses of
// services, which iptables then rewrites.
func configureNetwork() error {
	for _, line := range []string{
		"link set lo up",
		"link add node0 type bridge",
		"addr add " + network + " dev node0",
		"link set node0 up",
		"route add default dev node0",
	} {
		if output, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", line, err, output)
		}
	}
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)
}

// podNetworking configures the plugin that gives pods their addresses.
func podNetworking(folder string) error {
	text := `{"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "pods0", "isGateway": true,
	"ipam": {"type": "host-local", "ranges": [[{"subnet": "` + podNetwork + `"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}`
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "pods.conflist"), []byte(text), 0o644)
}
