package world

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation"

	"github.com/aphex/aphex-pipeline/e2e/node"
)

// Token is the token for reading repositories. It looks like GitHub's.
const Token = "ghp_aphexEndToEndTestOfThePipeline000000"

const (
	gitHost     = "github.com"
	awsPort     = "4566"
	reviewsPort = "9443"
)

// Options configure a World.
type Options struct {
	Dir       string // for repositories and the state of AWS
	Address   string // of the interface to listen on
	Authority *node.Authority
	NPMCache  string // the folder _cacache of npm
	LockFile  string // with the packages of the registry
	RoleOf    func(namespace, serviceAccount string) string
}

// World is the running services.
type World struct {
	AWS          *awssim.Server
	Repositories string // folder with owner/name.git, served as GitHub's
	options      Options
	servers      []*http.Server
	names        net.PacketConn
	pace         atomic.Int64
}

// Start starts the services. Call Stop even after an error.
func Start(ctx context.Context, options Options) (*World, error) {
	w := &World{options: options, Repositories: filepath.Join(options.Dir, "github")}
	for _, step := range []func(context.Context) error{w.serveAWS, w.servePages, w.serveReviews, w.serveNames} {
		if err := step(ctx); err != nil {
			return w, err
		}
	}
	return w, nil
}

// Stop stops the services.
func (w *World) Stop() {
	for _, server := range w.servers {
		_ = server.Close()
	}
	if w.names != nil {
		_ = w.names.Close()
	}
	if w.AWS != nil {
		_ = w.AWS.Close()
	}
}

// Pace sets how long CloudFormation takes for a resource from now on; zero is as fast as
// possible.
func (w *World) Pace(each time.Duration) { w.pace.Store(int64(each)) }

func (w *World) serveAWS(context.Context) error {
	var err error
	w.AWS, err = awssim.New(awssim.Options{
		Dir: filepath.Join(w.options.Dir, "aws"), Address: net.JoinHostPort(w.options.Address, awsPort),
		Stacks: cloudformation.Options{ResourceTime: func(string, string) time.Duration {
			return max(20*time.Millisecond, time.Duration(w.pace.Load()))
		}},
	})
	if err != nil {
		return err
	}
	_, err = w.AWS.Start()
	return err
}

// servePages serves the hosts of public services.
func (w *World) servePages(ctx context.Context) error {
	git, err := newGitHub(w.Repositories, Token)
	if err != nil {
		return err
	}
	packages, err := newRegistry(w.options.NPMCache, w.options.LockFile)
	if err != nil {
		return err
	}
	hosts := http.NewServeMux()
	hosts.Handle(gitHost+"/", git)
	hosts.Handle(registryHost+"/", packages)
	return w.serve(ctx, "443", hosts, gitHost, registryHost)
}

func (w *World) serveReviews(ctx context.Context) error {
	return w.serve(ctx, reviewsPort, &identities{w.AWS.URL(), w.options.RoleOf}, w.options.Address)
}

func (w *World) serve(ctx context.Context, port string, handler http.Handler, hosts ...string) error {
	certificate, err := w.options.Authority.Certificate(hosts...)
	if err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(w.options.Address, port))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}}
	w.servers = append(w.servers, server)
	go func() { _ = server.ServeTLS(listener, "", "") }() // it ends with ErrServerClosed
	return nil
}

func (w *World) serveNames(ctx context.Context) error {
	here, err := netip.ParseAddr(w.options.Address)
	if err != nil {
		return err
	}
	var config net.ListenConfig
	if w.names, err = config.ListenPacket(ctx, "udp", net.JoinHostPort(w.options.Address, "53")); err != nil {
		return fmt.Errorf("serving names: %w", err)
	}
	go serveNames(w.names, here, gitHost, registryHost)
	return nil
}

// Reviews returns the webhook configuration by which an API server calls identities.
func (w *World) Reviews() string {
	return fmt.Sprintf(`{"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": {"name": "pod-identity"},
"webhooks": [{"name": "pod-identity.e2e.aphex.dev", "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail",
"clientConfig": {"url": "https://%s/", "caBundle": %s},
"namespaceSelector": {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": [%q, %q]}]},
"rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]}]}`,
		net.JoinHostPort(w.options.Address, reviewsPort), base64JSON(w.options.Authority.PEM), node.Runs, node.Events)
}
