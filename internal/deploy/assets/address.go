package assets

import (
	"net"
	"net/url"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// BuilderAddress is the input of stages that publish assets: the BuildKit that builds the
// images. Without one, docker builds them.
type BuilderAddress struct {
	ImageBuilder           string `help:"BuildKit that builds image assets, as tcp://HOST:PORT or unix:///PATH; docker builds them without one." placeholder:"ADDRESS"`
	ImageBuilderTLS        string `name:"image-builder-tls" help:"Folder with ca.pem, cert.pem and key.pem for that BuildKit. A tcp:// address needs it, unless it is on this machine." type:"path" placeholder:"DIR"`
	ImageBuilderServerName string `help:"Name in the certificate of that BuildKit (default: the host of its address)." placeholder:"NAME"`
}

// Validate checks the address, and that no build goes over a network without TLS.
func (a BuilderAddress) Validate() error {
	if a.ImageBuilder == "" {
		if a.ImageBuilderTLS+a.ImageBuilderServerName != "" {
			return errs.Invalidf("--image-builder-tls and --image-builder-server-name need --image-builder").WithHint("pass the address of the BuildKit")
		}
		return nil
	}
	parsed, err := url.Parse(a.ImageBuilder)
	wrong := func(why string) error {
		return errs.Invalidf("the image builder %q %s", a.ImageBuilder, why).
			WithHint("expected tcp://HOST:PORT, or unix:///PATH for a BuildKit on this machine, such as unix:///run/buildkit/buildkitd.sock")
	}
	switch {
	case err != nil:
		return wrong("is not a URL")
	case parsed.Scheme == "unix" && parsed.Host == "" && strings.HasPrefix(parsed.Path, "/"):
		return nil
	case parsed.Scheme != "tcp" || parsed.Hostname() == "" || parsed.Port() == "" || parsed.Path+parsed.RawQuery+parsed.Fragment != "" || parsed.User != nil:
		return wrong("is not an address of a BuildKit")
	}
	if ip := net.ParseIP(parsed.Hostname()); a.ImageBuilderTLS == "" && parsed.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errs.Invalidf("the image builder %q is on another machine, and there is no certificate for it", a.ImageBuilder).
			WithHint("pass --image-builder-tls: without TLS, whoever reaches it builds and reads the images of others")
	}
	return nil
}
