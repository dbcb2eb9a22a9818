package awssim_test

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheAWSCLISignsAndVerifies uses a key of the simulator through the AWS CLI, and checks a
// signature with OpenSSL.
func TestTheAWSCLISignsAndVerifies(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	text := func(args ...string) string { return c.awsOK(append(args, "--output", "text")...) }
	key := text("kms", "create-key", "--key-spec", "ECC_NIST_P256", "--key-usage", "SIGN_VERIFY", "--query", "KeyMetadata.Arn")
	assert.Equal(t, "SIGN_VERIFY", text("kms", "describe-key", "--key-id", key, "--query", "KeyMetadata.KeyUsage"))
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	decoded := func(text string) []byte {
		data, err := base64.StdEncoding.DecodeString(text)
		require.NoError(t, err)
		return data
	}
	message := file("message", []byte("hello"))
	signature := file("signature", decoded(text("kms", "sign", "--key-id", key, "--message", "fileb://"+message, "--signing-algorithm", "ECDSA_SHA_256", "--query", "Signature")))
	assert.Equal(t, "True", text("kms", "verify", "--key-id", key, "--message", "fileb://"+message, "--signing-algorithm", "ECDSA_SHA_256", "--signature", "fileb://"+signature, "--query", "SignatureValid"))
	public := file("public.der", decoded(text("kms", "get-public-key", "--key-id", key, "--query", "PublicKey")))
	openssl := func(message string) error {
		return exec.Command("openssl", "dgst", "-sha256", "-verify", public, "-keyform", "DER", "-signature", signature, message).Run()
	}
	require.NoError(t, openssl(message))
	other := file("other", []byte("hallo"))
	require.Error(t, openssl(other))

	for want, args := range map[string][]string{
		"KMSInvalidSignatureException": {"verify", "--key-id", key, "--message", "fileb://" + other, "--signing-algorithm", "ECDSA_SHA_256", "--signature", "fileb://" + signature},
		"NotFoundException":            {"get-public-key", "--key-id", "12345678-1234-1234-1234-123456789012"},
		"incompatible":                 {"sign", "--key-id", key, "--message", "fileb://" + message, "--signing-algorithm", "ECDSA_SHA_512"},
		"invalid length":               {"sign", "--key-id", key, "--message", "fileb://" + message, "--message-type", "DIGEST", "--signing-algorithm", "ECDSA_SHA_256"},
		"The simulator makes keys":     {"create-key", "--key-spec", "RSA_2048", "--key-usage", "SIGN_VERIFY"},
	} {
		printed, err := c.aws(devAccount, ireland, append([]string{"kms"}, args...)...)
		assert.Error(t, err, args)
		assert.Contains(t, printed, want, args)
	}
}
