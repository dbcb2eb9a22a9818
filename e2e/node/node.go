package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Issuer is the issuer of the tokens of service accounts.
const Issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/APHEXE2E"

// AdminToken is the token of an administrator.
const AdminToken = "admin-token"

// Programs are the folders of the programs that are built for the cluster.
type Programs struct {
	Kubernetes, Policies, Workflows, Events, BuildKit string // folders, as the script "programs" prints them
}

// Node is a running cluster.
type Node struct {
	Dir       string // its data, with logs in Dir/logs
	Authority *Authority
	programs  Programs
	processes []*process
	once      sync.Once
	http      *http.Client
}

// Start starts a cluster with an API server and one ready node.
// It must be called in an isolated process. Stop stops the cluster,
// and can be called after an error too.
func Start(ctx context.Context, dir string, programs Programs) (*Node, error) {
	n := &Node{Dir: dir, programs: programs}
	for _, step := range []func(context.Context) error{
		n.prepare, n.etcd, n.apiServer, n.containerd, n.controlPlane, n.kubelet, n.ready, n.policies,
	} {
		if err := step(ctx); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (n *Node) path(parts ...string) string {
	return filepath.Join(append([]string{n.Dir}, parts...)...)
}

// prepare makes the network, the certificates and the kubeconfig files.
func (n *Node) prepare(context.Context) error {
	if err := os.MkdirAll(n.path("logs"), 0o755); err != nil {
		return err
	}
	var err error
	if n.Authority, err = NewAuthority(); err != nil {
		return err
	}
	return errors.Join(
		configureNetwork(), podNetworking(n.path("cni")),
		os.WriteFile(n.path("ca.crt"), n.Authority.PEM, 0o644),
		n.Authority.write(n.Dir, "server", Address, APIService, "127.0.0.1", "kubernetes", "kubernetes.default.svc"),
		writeTokenKey(n.path("tokens.key")), n.users())
}

// users makes a token and a kubeconfig file for every program.
func (n *Node) users() error {
	users := []struct{ name, user, group string }{
		{"admin", "admin", "system:masters"},
		{"controllers", "system:kube-controller-manager", ""},
		{"scheduler", "system:kube-scheduler", ""},
		{"proxy", "system:kube-proxy", "system:node-proxier"},
		{"kubelet", "system:node:node", "system:nodes"},
		{"policies", "policies", "system:masters"}, // it reads policies, pods, namespaces and nodes
	}
	var tokens strings.Builder
	for _, user := range users {
		token := user.name + "-token"
		fmt.Fprintf(&tokens, "%s,%s,%s,%q\n", token, user.user, user.name, user.group)
		text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: e2e\n"+
			"clusters: [{name: e2e, cluster: {server: %q, certificate-authority: %q}}]\n"+
			"contexts: [{name: e2e, context: {cluster: e2e, user: %[3]s}}]\nusers: [{name: %[3]s, user: {token: %s}}]\n",
			APIEndpoint, n.path("ca.crt"), user.name, token)
		if err := os.WriteFile(n.kubeconfig(user.name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(n.path("tokens.csv"), []byte(tokens.String()), 0o600)
}

func (n *Node) kubeconfig(user string) string { return n.path(user + ".kubeconfig") }

// Kubeconfig returns the kubeconfig file of an administrator.
func (n *Node) Kubeconfig() string { return n.kubeconfig("admin") }

func (n *Node) run(name, program string, args ...string) error {
	p, err := start(n.path("logs"), name, program, args...)
	if err == nil {
		n.processes = append(n.processes, p)
	}
	return err
}

// Stop stops all programs, the last one first, each by its id.
func (n *Node) Stop() {
	for _, p := range slices.Backward(n.processes) {
		p.stop()
	}
	n.processes = nil
}

// until polls until ask returns true, or until a program has ended.
func (n *Node) until(ctx context.Context, what string, limit time.Duration, ask func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for !ask(ctx) {
		for _, p := range n.processes {
			if p.ended() {
				return fmt.Errorf("waiting for %s: %s has ended, see %s", what, p.name, n.path("logs", p.name+".log"))
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil
}

func answers(url string) func(context.Context) bool {
	client := &http.Client{Transport: insecure(), Timeout: 5 * time.Second}
	return func(ctx context.Context) bool {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false
		}
		request.Header.Set("Authorization", "Bearer "+AdminToken)
		response, err := client.Do(request)
		if err != nil {
			return false
		}
		return response.Body.Close() == nil && response.StatusCode == http.StatusOK
	}
}

// Kubectl runs kubectl with the permissions of an administrator.
func (n *Node) Kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(n.programs.Kubernetes, "kubectl"), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+n.Kubeconfig())
	cmd.Stdin = strings.NewReader(stdin)
	var failure strings.Builder
	cmd.Stderr = &failure
	output, err := cmd.Output()
	if err != nil {
		return string(output), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(failure.String()))
	}
	return string(output), nil
}

// Get reads an object, or a list, from the API server.
func (n *Node) Get(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, APIEndpoint+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+AdminToken)
	response, err := n.client().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(into)
}

func (n *Node) client() *http.Client {
	n.once.Do(func() {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(n.Authority.PEM)
		n.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}, Timeout: time.Minute}
	})
	return n.http
}
