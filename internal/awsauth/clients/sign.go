package clients

import (
	"context"
	"crypto/sha256"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/aphex/aphex-pipeline/internal/attest"
	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Signer returns the signer that the flags of a stage name; nil without a key.
func Signer(ctx context.Context, s attest.Signing) (attest.Signer, error) {
	switch {
	case s.SigningKeyFile != "":
		return attest.ReadSigner(s.SigningKeyFile)
	case s.SigningKey != "":
		client, err := keys(ctx, s.SigningKey)
		return kmsKey{client, s.SigningKey}, err
	}
	return nil, nil
}

// VerifyingKey returns the public key of a KMS key.
func VerifyingKey(ctx context.Context, key string) (attest.Key, error) {
	client, err := keys(ctx, key)
	if err != nil {
		return attest.Key{}, err
	}
	found, err := client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &key})
	if err != nil {
		return attest.Key{}, explainCall(err, "reading the public key of "+key, signingFix)
	}
	return attest.ParseKey(found.PublicKey)
}

// ProvenanceKey returns the key that the flags of a stage name.
func ProvenanceKey(ctx context.Context, p attest.Proving) (attest.Key, error) {
	switch {
	case p.ProvenanceKeyFile != "":
		return attest.ReadKey(p.ProvenanceKeyFile)
	case p.ProvenanceKey != "":
		return VerifyingKey(ctx, p.ProvenanceKey)
	}
	return attest.Key{}, errs.Invalidf("there is no key for the provenance of the artifact")
}

// signingFix says what to do about a signing key without permission.
const signingFix = plan.ApproveFix + "; the policy of the key must leave its use to IAM, or allow it to the role"

// keys returns a client of KMS in the region of a key.
func keys(ctx context.Context, key string) (*kms.Client, error) {
	parsed, err := arn.Parse(key)
	if err != nil {
		return nil, errs.Invalidf("%q is no ARN of a key: %w", key, err)
	}
	base, err := awsauth.Load(ctx, parsed.Region)
	if err != nil {
		return nil, err
	}
	return kms.NewFromConfig(base), nil
}

// kmsKey signs with a key of KMS.
type kmsKey struct {
	client *kms.Client
	key    string // ARN
}

// Sign signs the digest of the data.
func (k kmsKey) Sign(ctx context.Context, data []byte) ([]byte, error) {
	sum := sha256.Sum256(data)
	signed, err := k.client.Sign(ctx, &kms.SignInput{
		KeyId: &k.key, Message: sum[:], MessageType: types.MessageTypeDigest, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256,
	})
	if err != nil {
		return nil, explainCall(err, "signing with the key "+k.key, signingFix)
	}
	return signed.Signature, nil
}
