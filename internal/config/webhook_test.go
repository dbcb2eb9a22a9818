package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
)

func TestAWebhookOverPlainHTTPNeedsAKeyOfItsOwn(t *testing.T) {
	const certificate = "webhookCertificateArn: arn:aws:acm:eu-west-1:111111111111:certificate/12345678-1234\n"
	for keys, refused := range map[string]bool{
		"":                               true, // LoadBalancer
		"webhookService: LoadBalancer\n": true,
		"webhookService: NodePort\n":     true,
		"webhookAllowHttp: false\n":      true,
		"webhookService: ClusterIP\n":    false,
		"webhookService: None\n":         false,
		certificate:                      false,
		"webhookAllowHttp: true\n":       false,
		"webhookService: NodePort\nwebhookAllowHttp: true\n": false,
	} {
		cfg, err := config.Parse(config.File, []byte("version: \"1.0\"\n"+keys+"environments:\n  - {name: dev, account: \"111111111111\", region: eu-west-1, stacks: [{name: Api}]}\n"))
		require.NoError(t, err, keys)
		problem, fix := cfg.WebhookProblem()
		assert.Equal(t, refused, problem != "", keys)
		if refused {
			assert.Contains(t, fix, "webhookAllowHttp: true", keys)
			assert.Contains(t, fix, "ingress with TLS", keys)
		}
		plain, fix := cfg.PlainHTTP()
		assert.Equal(t, refused || cfg.WebhookAllowHTTP, plain != "", keys)
		assert.NotContains(t, fix, "webhookAllowHttp", keys)
	}
}
