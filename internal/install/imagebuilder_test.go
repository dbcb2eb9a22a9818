package install_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// withBuilder installs a pipeline with an image builder at a time.
func (p platform) withBuilder(text string, now time.Time, b install.ImageBuilder) (install.Installed, *journal) {
	p.t.Helper()
	target := p.target(text)
	target.ImageBuilder = b
	target.Cluster.Now = func() time.Time { return now }
	var j journal
	installed, err := install.Bootstrap(p.t.Context(), target, install.BootstrapOptions{}, &j)
	require.NoError(p.t, err, j.String())
	return installed, &j
}

// builderPaths are the objects of the image builder, and the Secret of its client.
func (p platform) builderPaths() []string {
	return slices.DeleteFunc(p.Kube.Paths(), func(path string) bool { return !strings.Contains(path, "-images") })
}

// keysOf returns the data of a Secret.
func (p platform) keysOf(path string) map[string][]byte {
	p.t.Helper()
	data, _ := p.Kube.Object(path).Object["data"].(kubetest.Content)
	keys := map[string][]byte{}
	for key, value := range data {
		decoded, err := base64.StdEncoding.DecodeString(value.(string))
		require.NoError(p.t, err)
		keys[key] = decoded
	}
	return keys
}

var today = time.Now().UTC()

func TestBootstrapInstallsAnImageBuilderThatOnlyItsClientReaches(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	installed, j := p.withBuilder(installtest.Named("shop"), today, install.ImageBuilder{Install: true})
	require.NotNil(t, installed.ImageBuilder)
	namespace := installed.ImageBuilder.Secret
	in := "/api/v1/namespaces/" + namespace
	assert.Equal(t, []string{
		in, in + "/configmaps/buildkitd", in + "/secrets/buildkitd", in + "/services/buildkitd", "/api/v1/namespaces/argo/secrets/" + namespace,
		"/apis/apps/v1/namespaces/" + namespace + "/deployments/buildkitd", "/apis/networking.k8s.io/v1/namespaces/" + namespace + "/networkpolicies/buildkitd",
	}, p.builderPaths())
	assert.Equal(t, []string{"stack", "secret", "certificates", "objects", "builder", "webhook", "address", "stack"}, j.starts(), "it reads its certificates when it starts")

	server, client := p.keysOf(in+"/secrets/buildkitd"), p.keysOf("/api/v1/namespaces/argo/secrets/"+namespace)
	host := strings.TrimSuffix(strings.TrimPrefix(installed.ImageBuilder.Address, "tcp://"), ":1234")
	require.NoError(t, handshake(t, server, client, host))
	require.Error(t, handshake(t, server, nil, host), "a client without a certificate")
	require.Error(t, handshake(t, server, client, "other.example.com"), "a server of another name")
	require.Error(t, handshake(t, client, server, host), "the certificate of the client is not one of a server")

	market := p.target(installtest.Named("market"))
	market.ImageBuilder, market.SharedNamespaces = install.ImageBuilder{Install: true}, true
	var other journal
	second, err := install.Bootstrap(t.Context(), market, install.BootstrapOptions{}, &other)
	require.NoError(t, err, other.String())
	assert.NotEqual(t, namespace, second.ImageBuilder.Secret, "each pipeline has one")
	require.Error(t, handshake(t, server, p.keysOf("/api/v1/namespaces/argo/secrets/"+second.ImageBuilder.Secret), host), "the client of another pipeline")
}

func TestAnImageBuilderStaysAsItIsUntilItsCertificatesAreOld(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop")
	installed, _ := p.withBuilder(text, today, install.ImageBuilder{Install: true, Image: "registry.example.com/buildkit:rootless"})
	secret := "/api/v1/namespaces/argo/secrets/" + installed.ImageBuilder.Secret
	deployment := "/apis/apps/v1/namespaces/" + installed.ImageBuilder.Secret + "/deployments/buildkitd"
	client, pod := p.keysOf(secret), p.Kube.Object(deployment).Object["spec"]
	before := p.Kube.Paths()

	differences, err := install.Diff(t.Context(), p.target(text), &journal{})
	require.NoError(t, err)
	assert.Empty(t, differences)
	p.Kube.Refuse = func(r kubetest.Request) int { // whoever may not read the certificates changes nothing either
		if r.Method == http.MethodGet && strings.Contains(r.Path, "-images/secrets/") {
			return http.StatusForbidden
		}
		return 0
	}
	p.apply(text)
	assert.Equal(t, pod, p.Kube.Object(deployment).Object["spec"])
	p.Kube.Refuse = nil
	again, _ := p.withBuilder(text, today.AddDate(0, 11, 0), install.ImageBuilder{})
	assert.Equal(t, installed.ImageBuilder, again.ImageBuilder)
	assert.Equal(t, before, p.Kube.Paths())
	assert.Equal(t, client, p.keysOf(secret))
	assert.Equal(t, pod, p.Kube.Object(deployment).Object["spec"])

	_, j := p.withBuilder(text, today.AddDate(0, 13, 0), install.ImageBuilder{})
	assert.Contains(t, j.starts(), "certificates")
	assert.NotEqual(t, client, p.keysOf(secret))
	assert.NotEqual(t, pod, p.Kube.Object(deployment).Object["spec"], "another pod reads them")
	assert.Contains(t, fmt.Sprint(p.Kube.Object(deployment).Object["spec"]), "registry.example.com/buildkit:rootless")
}

func TestDeleteRemovesTheImageBuilderWithItsNamespaceAndApplyDoesNot(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop")
	installed, _ := p.withBuilder(text, today, install.ImageBuilder{Install: true})
	// Whoever may not read the Deployment renders none, and must not remove what is there.
	p.Kube.Refuse = func(r kubetest.Request) int {
		if r.Method == http.MethodGet && strings.HasSuffix(r.Path, "/deployments/buildkitd") {
			return http.StatusForbidden
		}
		return 0
	}
	before := p.builderPaths()
	p.apply(text)
	assert.Equal(t, before, p.builderPaths())
	p.Kube.Refuse = nil

	var j journal
	_, err := install.Delete(t.Context(), p.target(text), install.DeleteOptions{}, &j)
	require.NoError(t, err)
	assert.Empty(t, p.builderPaths())
	assert.Contains(t, j.lines, "objects: namespace/"+installed.ImageBuilder.Secret+" removed")
}

func TestThePlanOfABootstrapShowsAnImageBuilderWhoseNamespaceDoesNotExistYet(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	made := false
	p.Kube.Refuse = func(r kubetest.Request) int { // as an API server does
		if r.Method == http.MethodPatch && strings.HasSuffix(r.Path, "-images") && !r.Dry {
			made = true
		}
		if r.Method == http.MethodPatch && strings.Contains(r.Path, "-images/") && !made {
			return http.StatusNotFound
		}
		return 0
	}
	target := p.target(installtest.Named("shop"))
	target.ImageBuilder.Install = true
	var j journal
	var objects []string
	_, err := install.Bootstrap(t.Context(), target, install.BootstrapOptions{Confirm: func(_ context.Context, plan install.Plan) error {
		assert.True(t, plan.Certificates)
		for _, difference := range plan.Differences {
			objects = append(objects, difference.Object+" "+string(difference.Action))
		}
		return nil
	}}, &j)
	require.NoError(t, err, j.String())
	assert.Subset(t, objects, []string{"deployment/buildkitd created", "service/buildkitd created", "networkpolicy/buildkitd created"})
}

func TestTheDoctorSaysWhatIsWrongWithTheImageBuilder(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop")
	about := func(now time.Time) kube.Check {
		target := p.target(text)
		target.Cluster.Now = func() time.Time { return now }
		for _, check := range install.Doctor(t.Context(), target, github(t, 200, `[]`, ``)) {
			if strings.HasPrefix(check.What, "image builder") {
				return check
			}
		}
		return kube.Check{}
	}
	installed, _ := p.withBuilder(text, today, install.ImageBuilder{})
	assert.Nil(t, installed.ImageBuilder)
	assert.Empty(t, about(today).What, "a pipeline without one")

	installed, _ = p.withBuilder(text, today, install.ImageBuilder{Install: true})
	assert.Empty(t, about(today).Problem)
	assert.Contains(t, about(today).What, installed.ImageBuilder.Secret)
	soon := about(today.AddDate(1, 11, 0))
	assert.Contains(t, soon.Problem, "its certificates end")
	assert.False(t, soon.Failed())
	late := about(today.AddDate(2, 1, 0))
	assert.True(t, late.Failed())
	assert.Contains(t, late.Fix, "generator bootstrap")

	p.Kube.Refuse = func(r kubetest.Request) int { // as for whoever may look at all but Secrets
		if r.Method == http.MethodGet && strings.HasSuffix(r.Path, "-images/secrets/buildkitd") {
			return http.StatusForbidden
		}
		return 0
	}
	unread := about(today)
	assert.Contains(t, unread.Problem, "your Kubernetes credentials may not get secret/buildkitd in namespace "+installed.ImageBuilder.Secret)
	assert.False(t, unread.Failed())
	own := "/api/v1/namespaces/argo/secrets/" + installed.ImageBuilder.Secret
	before := p.keysOf(own)
	_, err := install.Bootstrap(t.Context(), p.target(text), install.BootstrapOptions{}, &journal{})
	require.ErrorContains(t, err, "may not get secret/buildkitd", "certificates that nobody has looked at are not replaced")
	assert.Equal(t, before, p.keysOf(own))
	p.Kube.Refuse = nil

	client := p.Kube.Object(own).Object["data"].(kubetest.Content)
	key := client["key.pem"]
	client["key.pem"] = p.Kube.Object("/api/v1/namespaces/" + installed.ImageBuilder.Secret + "/secrets/buildkitd").Object["data"].(kubetest.Content)["key.pem"]
	assert.Contains(t, about(today).Problem, "do not belong to them", "the key of another certificate")
	client["key.pem"] = key

	p.Kube.Object("/apis/apps/v1/namespaces/" + installed.ImageBuilder.Secret + "/deployments/buildkitd").Object["status"] = kubetest.Content{}
	assert.Contains(t, about(today).Problem, "its pod is not ready")
	_, err = p.cluster.Remove(t.Context(), []manifest.Object{{Kind: "Secret", Namespace: "argo", Name: installed.ImageBuilder.Secret}})
	require.NoError(t, err)
	assert.Contains(t, about(today).Problem, "its certificates are missing")
}

// handshake connects a client to a server of mutual TLS, with the files of their Secrets.
func handshake(t *testing.T, server, client map[string][]byte, host string) error {
	t.Helper()
	pool := func(data map[string][]byte) *x509.CertPool {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(data["ca.pem"])
		return pool
	}
	pair, err := tls.X509KeyPair(server["cert.pem"], server["key.pem"])
	require.NoError(t, err)
	settings := &tls.Config{RootCAs: pool(server), ServerName: host, MinVersion: tls.VersionTLS13}
	if client != nil {
		own, err := tls.X509KeyPair(client["cert.pem"], client["key.pem"])
		require.NoError(t, err)
		settings.Certificates, settings.RootCAs = []tls.Certificate{own}, pool(client)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		// A client that is refused reads why.
		_, _ = tls.Server(connection, &tls.Config{
			Certificates: []tls.Certificate{pair}, ClientCAs: pool(server), ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
		}).Write([]byte("k"))
	}()
	connection, err := tls.Dial("tcp", listener.Addr().String(), settings)
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = connection.Read(make([]byte, 1))
	return err
}
