package infra_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheBuildAndTheRecordSignAndNobodyElse is the approval of signing.
func TestTheBuildAndTheRecordSignAndNobodyElse(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	const key, foreign = "arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012", "arn:aws:kms:eu-west-1:111111111111:key/22345678-1234-1234-1234-123456789012"
	require.NoError(t, c.Keys().Make(key))
	require.NoError(t, c.Keys().Make(foreign))
	without, with := configured(t, "shop", devOnly), configured(t, "shop", devOnly+"signing: {kmsKeyArn: \""+key+"\"}\n")
	sign := func(as aws.Config, key string, how types.MessageType) error {
		_, err := kms.NewFromConfig(as).Sign(t.Context(), &kms.SignInput{KeyId: aws.String(key), Message: make([]byte, 32), MessageType: how, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256})
		return err
	}
	c.install(without)
	require.ErrorContains(t, sign(c.as(without, without.names.RecorderRole, without.names.Recorder), key, types.MessageTypeDigest), "kms:Sign")

	_, err := c.follow(without, with)
	require.ErrorContains(t, err, "which only a person may", "a commit that adds a key")
	c.install(with)
	for role, account := range map[string]string{with.names.BuilderRole: with.names.Builder, with.names.RecorderRole: with.names.Recorder} {
		require.NoError(t, sign(c.as(with, role, account), key, types.MessageTypeDigest), role)
		require.ErrorContains(t, sign(c.as(with, role, account), foreign, types.MessageTypeDigest), "kms:Sign", role)
		require.ErrorContains(t, sign(c.as(with, role, account), key, types.MessageTypeRaw), "kms:Sign", role)
	}
	for role, account := range map[string]string{with.names.ValidatorRole: with.names.Validator, with.names.UpdaterRole: with.names.Updater} {
		require.ErrorContains(t, sign(c.as(with, role, account), key, types.MessageTypeDigest), "kms:Sign", role)
	}
	_, err = c.follow(with, without)
	assert.NoError(t, err, "a commit that names no key changes no permission")
}
