package main

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
	"github.com/aphex/aphex-pipeline/internal/notify"
)

func TestATestMessageIsSentToEachTarget(t *testing.T) {
	p := newUser(t)
	home := p.Admin(installtest.Home, installtest.Region)
	_, err := sns.NewFromConfig(home).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("news")})
	require.NoError(t, err)
	_, err = secretsmanager.NewFromConfig(home).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("shop/slack"), SecretString: aws.String("https://127.0.0.1/T000/SECRET")})
	require.NoError(t, err)
	const topic = "arn:aws:sns:eu-west-1:111111111111:news"
	config := file(t, installtest.Named("shop")+`notifications:
  - {sns: {topicArn: "`+topic+`"}, environments: [dev]}
  - {slack: {secretName: shop/slack}}
  - {teams: {secretName: shop/none}}
`)
	out, log, err := calls(t, "notify", "--test", "-c", config)
	require.EqualError(t, err, "2 of 3 targets were not notified")
	inOrder(t, out, "ok       sns", "failed   slack: its host has the address 127.0.0.1, …", "failed   teams: notifications: the secret shop/none of Secrets Manager does not exist")
	assert.NotContains(t, out+log, "T000")
	messages := p.AWS.Topics().Messages(topic)
	require.Len(t, messages, 1)
	assert.Equal(t, "shop: this is a test of notifications", messages[0].Subject)

	out, _, err = calls(t, "notify", "--test", "--json", "-c", config)
	require.Error(t, err)
	var printed struct{ Targets []notify.Delivery }
	require.NoError(t, json.Unmarshal([]byte(out), &printed))
	require.Len(t, printed.Targets, 3)
	assert.True(t, printed.Targets[0].Sent)

	for _, args := range [][]string{{"notify", "-c", config}, {"notify", "--test", "-c", file(t, installtest.Named("shop"))}, {"notify", "--test", "--region", "nowhere", "-c", config}} {
		_, _, err = calls(t, args...)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), args)
	}
}
