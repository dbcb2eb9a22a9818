package bucket

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// algorithm is the prefix of a digest.
const algorithm = "sha256:"

// CheckDigest rejects texts other than "sha256:" and 64 lower-case hex digits.
func CheckDigest(digest string) error {
	digits, found := strings.CutPrefix(digest, algorithm)
	decoded, err := hex.DecodeString(digits)
	if !found || err != nil || len(decoded) != sha256.Size || strings.ToLower(digits) != digits {
		return errs.Invalidf("%q is not the digest of an artifact", digest).
			WithHint("pass it as the build stage printed it: sha256: and 64 hex digits")
	}
	return nil
}

func digestOf(sum []byte) string { return algorithm + hex.EncodeToString(sum) }

// digestOfAll returns the digest of everything that is read.
func digestOfAll(in io.Reader) (string, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, in); err != nil {
		return "", err
	}
	return digestOf(sum.Sum(nil)), nil
}
