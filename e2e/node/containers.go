package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// pauseImage holds the namespaces of every pod.
const pauseImage = "aphex.test/pause:e2e"

func (n *Node) socket() string { return n.path("containerd.sock") }

func (n *Node) containerd(ctx context.Context) error {
	text := fmt.Sprintf(`version = 2
root = %q
state = %q
[grpc]
  address = %q
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %q
  restrict_oom_score_adj = true
  disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "overlayfs"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = %q
`, n.path("containerd"), "/run/containerd", n.socket(), pauseImage, n.path("cni"))
	if err := os.WriteFile(n.path("containerd.toml"), []byte(text), 0o600); err != nil {
		return err
	}
	if err := n.run("containerd", "containerd", "--config", n.path("containerd.toml")); err != nil {
		return err
	}
	return n.until(ctx, "containerd", starting, func(ctx context.Context) bool { return n.ctr(ctx, "version") == nil })
}

func (n *Node) ctr(ctx context.Context, args ...string) error {
	args = append([]string{"--address", n.socket(), "--namespace", "k8s.io"}, args...)
	if output, err := exec.CommandContext(ctx, "ctr", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ctr %s: %w: %s", strings.Join(args[4:], " "), err, output)
	}
	return nil
}

// Load imports archives of images, as docker save and docker buildx write them.
func (n *Node) Load(ctx context.Context, archives ...string) error {
	for _, archive := range archives {
		if err := n.ctr(ctx, "images", "import", "--snapshotter", "overlayfs", archive); err != nil {
			return err
		}
	}
	return nil
}

// kubeletSettings: the machine is shared, so nothing is evicted or reserved; names are
// resolved by the server on the node's address.
const kubeletSettings = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
cgroupRoot: %s
clusterDNS: ["` + Address + `"]
clusterDomain: cluster.local
containerRuntimeEndpoint: unix://%s
enforceNodeAllocatable: []
evictionHard: {memory.available: "0%%", nodefs.available: "0%%", nodefs.inodesFree: "0%%", imagefs.available: "0%%"}
failSwapOn: false
imageGCHighThresholdPercent: 100
maxPods: 200
resolvConf: ""
syncFrequency: 10s
`

func (n *Node) kubelet(context.Context) error {
	group, err := makeGroup()
	if err != nil {
		return err
	}
	if err := os.WriteFile(n.path("kubelet.yaml"), fmt.Appendf(nil, kubeletSettings, group, n.socket()), 0o600); err != nil {
		return err
	}
	return n.kubernetes("kubelet", "--config="+n.path("kubelet.yaml"), "--kubeconfig="+n.kubeconfig("kubelet"),
		"--hostname-override=node", "--node-ip="+Address)
}

// ready waits for the node, and for the ServiceAccount that every pod needs.
func (n *Node) ready(ctx context.Context) error {
	return n.until(ctx, "the node to be ready", starting, func(ctx context.Context) bool {
		status, err := n.Kubectl(ctx, "", "get", "node", "node", "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status}`)
		if err != nil || status != "True" {
			return false
		}
		_, err = n.Kubectl(ctx, "", "get", "serviceaccount", "default", "-n", "default")
		return err == nil
	})
}
