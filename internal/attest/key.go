package attest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// Signer signs with one key: ECDSA over P-256, of the SHA-256 digest of the data, as ASN.1.
type Signer interface {
	Sign(ctx context.Context, data []byte) ([]byte, error)
}

// Signing are the flags of a stage that signs what it attests.
type Signing struct {
	SigningKey     string `help:"KMS key that signs what the stage attests. Without a key nothing is signed." placeholder:"ARN"`
	SigningKeyFile string `help:"File with a private key for P-256, PEM, in place of a KMS key. For local runs." type:"path" placeholder:"FILE"`
}

// Signs reports whether there is a key.
func (s Signing) Signs() bool { return s.SigningKey+s.SigningKeyFile != "" }

// Proving are the flags of a stage that uses only artifacts whose provenance verifies, if asked.
type Proving struct {
	RequireProvenance bool   `help:"Refuse an artifact without provenance that the key verifies."`
	ProvenanceKey     string `help:"KMS key that must have signed the provenance of the artifact." placeholder:"ARN"`
	ProvenanceKeyFile string `help:"File with a public key for P-256, PEM, in place of a KMS key. For local runs." type:"path" placeholder:"FILE"`
}

// Validate requires a key for what must be proven.
func (p Proving) Validate() error {
	if p.RequireProvenance && p.ProvenanceKey+p.ProvenanceKeyFile == "" {
		return errs.Invalidf("--require-provenance requires --provenance-key or --provenance-key-file")
	}
	return nil
}

// maxKey is the largest file of a key that is read, in bytes.
const maxKey = 64 << 10

// privateKey signs with a key of a file.
type privateKey struct{ key *ecdsa.PrivateKey }

// Sign signs the digest of the data.
func (p privateKey) Sign(_ context.Context, data []byte) ([]byte, error) {
	sum := sha256.Sum256(data)
	return ecdsa.SignASN1(rand.Reader, p.key, sum[:])
}

// ReadSigner reads a private key from a PEM file: PKCS #8 or SEC 1, without a password.
func ReadSigner(file string) (Signer, error) {
	key, err := readPrivate(file)
	return privateKey{key}, err
}

func readPrivate(file string) (*ecdsa.PrivateKey, error) {
	block, err := readPEM(file, "PRIVATE KEY", "EC PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	var parsed any
	if block.Type == "PRIVATE KEY" {
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	} else {
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok || key.Curve != elliptic.P256() {
		return nil, errs.Invalidf("%s has no private key for P-256", file).WithHint("create one: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem")
	}
	return key, nil
}

// PublicOf returns the public key of a private key of a file, as PEM.
func PublicOf(file string) ([]byte, error) {
	key, err := readPrivate(file)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), err
}

// Key is a public key that verifies.
type Key struct{ public *ecdsa.PublicKey }

// ReadKey reads a public key from a PEM file.
func ReadKey(file string) (Key, error) {
	block, err := readPEM(file, "PUBLIC KEY")
	if err != nil {
		return Key{}, err
	}
	key, err := ParseKey(block.Bytes)
	if err != nil {
		return Key{}, errs.Invalidf("%s: %w", file, err)
	}
	return key, nil
}

// ParseKey parses a public key: DER, as KMS returns it.
func ParseKey(der []byte) (Key, error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	public, ok := parsed.(*ecdsa.PublicKey)
	if err != nil || !ok || public.Curve != elliptic.P256() {
		return Key{}, errs.Invalidf("this is no public key for P-256").WithHint("a KMS key needs the key spec ECC_NIST_P256 and the usage SIGN_VERIFY")
	}
	return Key{public}, nil
}

// ID returns the fingerprint of the key, as ssh-keygen prints it.
func (k Key) ID() string {
	id, _ := dsse.SHA256KeyID(k.public) // P-256 always has one
	return id
}

var errOther = errors.New("the key did not sign this: it is of another key, or was changed")

// Verify checks a signature of data.
func (k Key) Verify(_ context.Context, data, signature []byte) error {
	sum := sha256.Sum256(data)
	if !ecdsa.VerifyASN1(k.public, sum[:], signature) {
		return errOther
	}
	return nil
}

// KeyID returns none, so that signatures are tried whatever key they name.
func (k Key) KeyID() (string, error) { return "", nil }

// Public returns the public key.
func (k Key) Public() crypto.PublicKey { return k.public }

func readPEM(file string, types ...string) (*pem.Block, error) {
	data, err := limits.ReadFile(file, maxKey)
	if err != nil {
		return nil, errs.Invalidf("reading the key: %w", err)
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		for _, name := range types {
			if block.Type == name {
				return block, nil
			}
		}
	}
	return nil, errs.Invalidf("%s has no %s in PEM", file, types[0]).WithHint("create a pair: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem && openssl pkey -in key.pem -pubout -out key.pub")
}
