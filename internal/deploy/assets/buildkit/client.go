package buildkit

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"path/filepath"
	"strings"

	control "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc/codes"

	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// Builder builds images with one BuildKit.
type Builder struct {
	address string
	client  *client.Client
}

var _ assets.ImageBuilder = (*Builder)(nil)

// maxCertificate bounds in bytes what a file of the TLS folder has.
const maxCertificate = 1 << 20

// Open returns the builder at an address, which is not empty. It connects with the first call.
func Open(ctx context.Context, at assets.BuilderAddress) (*Builder, error) {
	if err := at.Validate(); err != nil {
		return nil, err
	}
	var options []client.ClientOpt
	if dir := at.ImageBuilderTLS; dir != "" {
		if err := checkTLS(dir); err != nil {
			return nil, err
		}
		options = append(options, client.WithServerConfig(serverName(at), filepath.Join(dir, "ca.pem")),
			client.WithCredentials(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")))
	}
	opened, err := client.New(ctx, at.ImageBuilder, options...)
	if err != nil {
		return nil, errs.Invalidf("the image builder %s: %w", at.ImageBuilder, err)
	}
	return &Builder{at.ImageBuilder, opened}, nil
}

// checkTLS checks the files of the TLS folder, for errors that name the one that is wrong.
func checkTLS(dir string) error {
	files := map[string][]byte{}
	for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
		data, err := limits.ReadFile(filepath.Join(dir, name), maxCertificate)
		if err != nil {
			return errs.Invalidf("the certificates of the image builder: %w", err).WithHint(certificatesHint)
		}
		files[name] = data
	}
	if !x509.NewCertPool().AppendCertsFromPEM(files["ca.pem"]) {
		return errs.Invalidf("the certificates of the image builder: ca.pem in %s has none", dir).WithHint(certificatesHint)
	}
	if _, err := tls.X509KeyPair(files["cert.pem"], files["key.pem"]); err != nil {
		return errs.Invalidf("the certificates of the image builder: cert.pem and key.pem in %s: %w", dir, err).WithHint(certificatesHint)
	}
	return nil
}

const certificatesHint = "the folder, or the Secret imageBuilder.tlsSecretName, has ca.pem, cert.pem and key.pem, all in PEM"

func serverName(at assets.BuilderAddress) string {
	parsed, err := url.Parse(at.ImageBuilder)
	if at.ImageBuilderServerName != "" || err != nil {
		return at.ImageBuilderServerName
	}
	return parsed.Hostname()
}

// Address returns the address of the BuildKit.
func (b *Builder) Address() string { return b.address }

// Close ends the connection.
func (b *Builder) Close() error { return b.client.Close() }

// Ready asks the BuildKit for its version.
func (b *Builder) Ready(ctx context.Context) error {
	_, err := b.client.ControlClient().Info(ctx, &control.InfoRequest{})
	return explained(err)
}

// explained gives an error of the connection the kind Temporary. Certificates that do not fit
// do not fit the next time either.
func explained(err error) error {
	code := grpcerrors.Code(err)
	switch {
	case err == nil || code != codes.Unavailable && code != codes.DeadlineExceeded:
		return err
	case strings.Contains(err.Error(), "authentication handshake failed"), strings.Contains(err.Error(), "bad certificate"):
		return errs.Invalidf("%w", err).WithHint("check imageBuilder.serverName and the Secret imageBuilder.tlsSecretName")
	}
	return errs.Temporaryf("%w", err)
}
