package node

import (
	"context"
	"crypto/tls"
	"net/http"
	"path/filepath"
	"time"
)

// starting is how long a program may take to start, on a busy machine.
const starting = 3 * time.Minute

func insecure() http.RoundTripper {
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // for a health check only
}

func (n *Node) kubernetes(name string, args ...string) error {
	return n.run(name, filepath.Join(n.programs.Kubernetes, name), args...)
}

func (n *Node) etcd(ctx context.Context) error {
	err := n.run("etcd", "etcd", "--data-dir", n.path("etcd"), "--unsafe-no-fsync",
		"--listen-client-urls", "http://127.0.0.1:2379", "--advertise-client-urls", "http://127.0.0.1:2379",
		"--listen-peer-urls", "http://127.0.0.1:2380")
	if err != nil {
		return err
	}
	return n.until(ctx, "etcd", starting, answers("http://127.0.0.1:2379/health"))
}

func (n *Node) apiServer(ctx context.Context) error {
	err := n.kubernetes("kube-apiserver",
		"--etcd-servers=http://127.0.0.1:2379", "--advertise-address="+Address, "--secure-port="+apiPort,
		"--tls-cert-file="+n.path("server.crt"), "--tls-private-key-file="+n.path("server.key"),
		"--service-cluster-ip-range="+services, "--authorization-mode=Node,RBAC", "--token-auth-file="+n.path("tokens.csv"),
		"--service-account-issuer="+Issuer, "--service-account-key-file="+n.path("tokens.key"),
		"--service-account-signing-key-file="+n.path("tokens.key"), "--kubelet-preferred-address-types=InternalIP",
		"--allow-privileged=true", "--profiling=false")
	if err != nil {
		return err
	}
	return n.until(ctx, "the API server", starting, answers(APIEndpoint+"/readyz"))
}

// controlPlane starts the controllers.
func (n *Node) controlPlane(context.Context) error {
	if err := n.kubernetes("kube-controller-manager", "--kubeconfig="+n.kubeconfig("controllers"),
		"--service-account-private-key-file="+n.path("tokens.key"), "--root-ca-file="+n.path("ca.crt"),
		"--use-service-account-credentials", "--leader-elect=false"); err != nil {
		return err
	}
	if err := n.kubernetes("kube-scheduler", "--kubeconfig="+n.kubeconfig("scheduler"), "--leader-elect=false"); err != nil {
		return err
	}
	return n.kubernetes("kube-proxy", "--kubeconfig="+n.kubeconfig("proxy"), "--proxy-mode=nftables",
		"--conntrack-max-per-core=0", "--hostname-override=node", "--cluster-cidr="+podNetwork)
}

// policies starts the enforcer of network policies. It rewrites the whole filter table of
// iptables, so that kube-proxy must not have rules of its own there.
func (n *Node) policies(context.Context) error {
	return n.run("kube-router", filepath.Join(n.programs.Policies, "kube-router"), "--kubeconfig="+n.kubeconfig("policies"),
		"--run-firewall=true", "--run-router=false", "--run-service-proxy=false", "--hostname-override=node",
		"--service-cluster-ip-range="+services, "--health-port=0", "--v=1")
}
