package bucket

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

const (
	algorithm = "sha256:"
	suffix    = ".tar.zst"
	// MetadataName is the name of the document beside an artifact.
	MetadataName = "artifact.json"
)

// Key is where the artifact of a commit lies: <commit>/<hex digest>.tar.zst.
func Key(commit, digest string) string {
	return path.Join(commit, strings.TrimPrefix(digest, algorithm)+suffix)
}

// OutputsKey is where the bucket keeps the stack outputs of an environment, as {stack: {key: value}}.
func OutputsKey(commit, environment string) string {
	return path.Join(commit, environment, "outputs.json")
}

// DetailedOutputsKey is where the bucket keeps the same outputs with their descriptions and export names.
func DetailedOutputsKey(commit, environment string) string {
	return path.Join(commit, environment, "outputs-detailed.json")
}

// MetadataKey is where the document about the artifact of a commit lies.
func MetadataKey(commit string) string { return path.Join(commit, MetadataName) }

// CheckDigest refuses what is not "sha256:" and 64 lower-case hex digits.
func CheckDigest(digest string) error {
	digits, found := strings.CutPrefix(digest, algorithm)
	decoded, err := hex.DecodeString(digits)
	if !found || err != nil || len(decoded) != sha256.Size || strings.ToLower(digits) != digits {
		return errs.Invalidf("%q is not the digest of an artifact", digest).
			WithHint("give it as the build stage printed it: sha256: and 64 hex digits")
	}
	return nil
}

func digestOf(sum []byte) string { return algorithm + hex.EncodeToString(sum) }

// digestOfFile reads a file once and gives its digest.
func digestOfFile(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return digestOf(sum.Sum(nil)), nil
}
