package install

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// Keys of a Secret with certificates.
const (
	authorityKey   = "ca.pem"
	certificateKey = "cert.pem"
	privateKey     = "key.pem"
)

// Lifetime of the certificates of a BuildKit. Bootstrap renews them in their second half.
const (
	certificatesLast  = 2 * 365 * 24 * time.Hour
	renewedBeforeEnd  = certificatesLast / 2
	warnedBeforeEnd   = 60 * 24 * time.Hour
	clocksMayDifferBy = time.Hour
)

// certificates are those of a BuildKit and of its only client, as the data of their Secrets.
type certificates struct{ server, client map[string][]byte }

// newCertificates makes an authority, and the certificates of a server of that name and of its
// client. The key of the authority is in no result: nobody can issue another certificate.
func newCertificates(host string, now time.Time) (certificates, error) {
	authority := template("aphex-pipeline image builder", now)
	authority.IsCA, authority.BasicConstraintsValid, authority.MaxPathLenZero = true, true, true
	authority.KeyUsage = x509.KeyUsageCertSign
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificates{}, fmt.Errorf("making a key: %w", err)
	}
	signed, err := x509.CreateCertificate(rand.Reader, authority, authority, &signer.PublicKey, signer)
	if err != nil {
		return certificates{}, fmt.Errorf("making a certificate authority: %w", err)
	}
	issue := func(leaf *x509.Certificate, usage x509.ExtKeyUsage) (map[string][]byte, error) {
		leaf.KeyUsage, leaf.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{usage}
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("making a key: %w", err)
		}
		secret, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, fmt.Errorf("writing a key: %w", err)
		}
		issued, err := x509.CreateCertificate(rand.Reader, leaf, authority, &key.PublicKey, signer)
		if err != nil {
			return nil, fmt.Errorf("making a certificate: %w", err)
		}
		return map[string][]byte{authorityKey: encode("CERTIFICATE", signed), certificateKey: encode("CERTIFICATE", issued), privateKey: encode("PRIVATE KEY", secret)}, nil
	}
	server := template(host, now)
	server.DNSNames = []string{host, host + ".cluster.local"}
	made := certificates{}
	if made.server, err = issue(server, x509.ExtKeyUsageServerAuth); err != nil {
		return certificates{}, err
	}
	made.client, err = issue(template("deployer", now), x509.ExtKeyUsageClientAuth)
	return made, err
}

func template(name string, now time.Time) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err) // never: the program ends where there is no randomness
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-clocksMayDifferBy), NotAfter: now.Add(certificatesLast),
	}
}

func encode(kind string, content []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
}

// end returns when the certificates end; the zero time if they are not those of a server of
// that name and of its client.
func (c certificates) end(host string) time.Time {
	if !bytes.Equal(c.server[authorityKey], c.client[authorityKey]) {
		return time.Time{}
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(c.server[authorityKey])
	end := time.Time{}
	for _, side := range []struct {
		data  map[string][]byte
		name  string
		usage x509.ExtKeyUsage
	}{{c.server, host, x509.ExtKeyUsageServerAuth}, {c.client, "", x509.ExtKeyUsageClientAuth}} {
		pair, err := tls.X509KeyPair(side.data[certificateKey], side.data[privateKey])
		if err != nil {
			return time.Time{}
		}
		leaf := pair.Leaf
		// An end in the past is not this question: it is asked at the certificate's own time.
		options := x509.VerifyOptions{DNSName: side.name, Roots: authorities, KeyUsages: []x509.ExtKeyUsage{side.usage}, CurrentTime: leaf.NotBefore}
		if _, err := leaf.Verify(options); err != nil {
			return time.Time{}
		}
		if end.IsZero() || leaf.NotAfter.Before(end) {
			end = leaf.NotAfter
		}
	}
	return end
}

// digest identifies what the server reads when it starts.
func (c certificates) digest() string {
	sum := sha256.Sum256(append(append([]byte(nil), c.server[authorityKey]...), c.server[certificateKey]...))
	return "sha256:" + hex.EncodeToString(sum[:])
}
