package notify

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/netip"
)

// TrustingPoster returns a Poster that also trusts the certificates of a test.
func TrustingPoster(permitted func(netip.Addr) bool, roots *x509.CertPool) Poster {
	p := NewPoster(permitted)
	p.client.Transport.(*guarded).direct.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	return p
}
