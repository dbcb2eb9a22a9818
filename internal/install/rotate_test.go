package install_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

const (
	webhookPath    = "/api/v1/namespaces/argo-events/secrets/shop-github-webhook"
	deploymentPath = "/apis/apps/v1/namespaces/argo-events/deployments/shop-github-eventsource-x7"
	tokenPath      = "/api/v1/namespaces/argo/secrets/shop-results.service-account-token"
)

// withWebhookPods adds the Deployment that Argo Events makes for an EventSource, whose
// new pods are ready at once.
func (p platform) withWebhookPods() {
	p.Kube.Put(deploymentPath, "argo-events", kubetest.Content{
		"kind": "Deployment", "apiVersion": "apps/v1", "metadata": kubetest.Content{"name": "shop-github-eventsource-x7", "namespace": "argo-events", "labels": kubetest.Content{"eventsource-name": "shop-github"}},
		"spec": kubetest.Content{"replicas": int64(1)},
	})
	control := p.Kube.Control
	p.Kube.Control = func(path string, object kubetest.Content) {
		control(path, object)
		if path == deploymentPath {
			object["status"] = kubetest.Content{"observedGeneration": int64(9), "replicas": int64(1), "updatedReplicas": int64(1), "availableReplicas": int64(1)}
		}
	}
}

// secrets returns the webhook secret in Secrets Manager and that of the cluster.
func (p platform) secrets(t *testing.T) (manager, cluster string) {
	t.Helper()
	target := p.target(installtest.Named("shop"))
	name := plan.NamesOf(target.Config, target.Place).Secret
	value, err := secretsmanager.NewFromConfig(p.Admin(installtest.Home, installtest.Region)).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &name})
	require.NoError(t, err)
	data := p.Kube.Object(webhookPath).Object["data"].(kubetest.Content)["secret"].(string)
	decoded, err := base64.StdEncoding.DecodeString(data)
	require.NoError(t, err)
	return *value.SecretString, string(decoded)
}

func (p platform) restarts() int {
	return strings.Count(strings.Join(p.Kube.Writes(), "\n"), "PATCH "+deploymentPath)
}

func TestTheWebhookKeepsItsSecretUntilGitHubSignsWithTheNewOneToo(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.bootstrap(installtest.Named("shop"))
	p.withWebhookPods()
	old, _ := p.secrets(t)

	var j journal
	declined := errors.New("declined")
	var fresh string
	_, err := install.RotateWebhook(t.Context(), p.target(installtest.Named("shop")), install.RotateOptions{Confirm: func(_ context.Context, i install.Installed) error {
		made, used := p.secrets(t)
		fresh = made
		assert.NotEqual(t, old, made, "GitHub can be given the new secret")
		assert.Len(t, made, 64)
		assert.Equal(t, old, used, "deliveries with the old one are accepted")
		assert.True(t, strings.HasSuffix(i.Secret, "/webhook"))
		return declined
	}}, &j)
	require.ErrorIs(t, err, declined)
	assert.Zero(t, p.restarts())

	_, err = install.RotateWebhook(t.Context(), p.target(installtest.Named("shop")), install.RotateOptions{}, &j)
	require.NoError(t, err)
	made, used := p.secrets(t)
	assert.Equal(t, [2]string{fresh, fresh}, [2]string{made, used}, "the rotation goes on with the secret that GitHub has")
	assert.Equal(t, 1, p.restarts(), "pods read the secret when they start")
	assert.Equal(t, "ready", j.lines[len(j.lines)-1])
	assert.NotContains(t, j.String(), fresh)
	assert.NotContains(t, j.String(), old)
}

func TestARotationThatIsInterruptedAnywhereContinuesWithTheSameSecret(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.bootstrap(installtest.Named("shop"))
	p.withWebhookPods()
	interrupted := 0
	for step := range 100 { // the request to the cluster that fails, and all after it
		old, _ := p.secrets(t)
		requests := 0
		p.Kube.Refuse = func(kubetest.Request) int {
			if requests++; requests > step {
				return http.StatusForbidden
			}
			return 0
		}
		var fresh []string
		confirm := func(context.Context, install.Installed) error {
			made, _ := p.secrets(t)
			fresh = append(fresh, made)
			return nil
		}
		var j journal
		_, err := install.RotateWebhook(t.Context(), p.target(installtest.Named("shop")), install.RotateOptions{Confirm: confirm}, &j)
		p.Kube.Refuse = nil
		if err == nil {
			require.Greater(t, interrupted, 5)
			return
		}
		interrupted++
		before := p.restarts()
		_, err = install.RotateWebhook(t.Context(), p.target(installtest.Named("shop")), install.RotateOptions{Confirm: confirm}, &j)
		require.NoError(t, err, "step %d", step)
		made, used := p.secrets(t)
		assert.NotEqual(t, old, made, "step %d", step)
		assert.Equal(t, made, used, "step %d", step)
		assert.Greater(t, p.restarts(), before, "step %d: the pods have the new secret", step)
		for _, shown := range fresh {
			assert.Equal(t, made, shown, "step %d: GitHub was given one secret", step)
		}
	}
	t.Fatal("no rotation ended by itself")
}

func TestTheTokenOfThePodsIsReplacedWhenNoRunUsesIt(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.bootstrap(installtest.Named("shop"))
	target := p.target(installtest.Named("shop"))
	end := p.begin("shop", "shop-1")
	p.Kube.Forget()
	var j journal
	err := install.RotateToken(t.Context(), target, &j)
	require.ErrorContains(t, err, "the run shop-1 is in progress")
	assert.NotContains(t, strings.Join(p.Kube.Writes(), "\n"), tokenPath)

	end()
	require.NoError(t, install.RotateToken(t.Context(), target, &j))
	assert.Contains(t, strings.Join(p.Kube.Writes(), "\n"), "DELETE "+tokenPath)
	assert.NotEmpty(t, p.Kube.Object(tokenPath).Object["data"].(kubetest.Content)["token"])
}

func TestOnlyAnInstalledPipelineHasASecretToReplace(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	var j journal
	_, err := install.RotateWebhook(t.Context(), p.target(installtest.Named("shop")), install.RotateOptions{}, &j)
	require.ErrorContains(t, err, "the pipeline is not installed", "nor was it ever")
	p.bootstrap(installtest.Named("shop"))
	old, _ := p.secrets(t)
	_, err = install.Delete(t.Context(), p.target(installtest.Named("shop")), install.DeleteOptions{}, &j)
	require.NoError(t, err)
	_, err = install.RotateWebhook(t.Context(), p.target(installtest.Named("shop")), install.RotateOptions{}, &j)
	require.ErrorContains(t, err, "the pipeline is not installed")
	target := p.target(installtest.Named("shop"))
	name := plan.NamesOf(target.Config, target.Place).Secret
	value, err := secretsmanager.NewFromConfig(p.Admin(installtest.Home, installtest.Region)).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &name})
	require.NoError(t, err)
	assert.Equal(t, old, *value.SecretString)
}
