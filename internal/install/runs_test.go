package install_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// begin adds a run of a pipeline that has not ended; an approval that it waits for changes
// nothing about that.
func (p platform) begin(repository, run string) (end func()) {
	target := p.target(installtest.Named(repository))
	path := "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows/" + run
	labels := kubetest.Content{"app.kubernetes.io/managed-by": "aphex-pipeline", "aphex.dev/pipeline": plan.NamesOf(target.Config, target.Place).Pipeline}
	workflow := kubetest.Content{
		"kind": "Workflow", "apiVersion": "argoproj.io/v1alpha1", "metadata": kubetest.Content{"name": run, "namespace": "argo", "labels": labels},
		"spec": kubetest.Content{"workflowTemplateRef": kubetest.Content{"name": "shop-00"}},
	}
	p.Kube.Put(path, "argo", workflow)
	return func() {
		labels["workflows.argoproj.io/completed"] = "true"
		p.Kube.Put(path, "argo", workflow)
	}
}

var errDeclined = errors.New("declined")

// asked declines a bootstrap, and returns what it asked about.
func (p platform) asked(text string) (install.Interrupted, *journal) {
	p.t.Helper()
	var asked install.Plan
	var j journal
	_, err := install.Bootstrap(p.t.Context(), p.target(text), install.BootstrapOptions{Confirm: func(_ context.Context, plan install.Plan) error {
		asked = plan
		return errDeclined
	}}, &j)
	require.ErrorIs(p.t, err, errDeclined, j.String())
	return asked.Interrupted, &j
}

func TestRunsThatMayFailUnderOtherPermissionsAreNamedBeforeAnythingChanges(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop")
	p.bootstrap(text)
	p.begin("market", "market-1")
	inAWS := strings.Replace(text, "shop/token", "shop/other", 1)
	p.Deploy(installtest.Home, "other", `{"Resources":{"T":{"Type":"AWS::SecretsManager::Secret","Properties":{"Name":"shop/other","SecretString":"{\"token\":\"x\"}"}}}}`)
	found, _ := p.asked(inAWS)
	assert.Empty(t, found, "a run of another pipeline")

	end := p.begin("shop", "shop-2")
	p.begin("shop", "shop-1")()
	found, _ = p.asked(text)
	assert.Empty(t, found, "nothing changes")
	found, _ = p.asked(inAWS)
	assert.Equal(t, []string{"shop-2"}, found.Runs)
	assert.Contains(t, found.By, "resource BuilderRole")
	found, _ = p.asked(text + installtest.ProdEnvironment)
	assert.Equal(t, []string{"shop-2"}, found.Runs)
	assert.Contains(t, strings.Join(found.By, " "), "validatingadmissionpolicy/")

	var j journal
	var asked install.Plan
	_, err := install.Apply(t.Context(), p.offline(strings.Replace(text, "shop/token", "shop/other", 1)+"podLimits: {memory: 4Gi}\n"), install.ApplyOptions{Confirm: func(context.Context, install.Plan) error {
		t.Error("runs continue with the template that they began with")
		return nil
	}}, &j)
	require.NoError(t, err)
	_, err = install.Apply(t.Context(), p.offline(text+installtest.ProdEnvironment), install.ApplyOptions{Confirm: func(_ context.Context, plan install.Plan) error {
		asked = plan
		return errDeclined
	}}, &j)
	require.ErrorIs(t, err, errDeclined)
	assert.Equal(t, []string{"shop-2"}, asked.Interrupted.Runs)

	end()
	found, _ = p.asked(inAWS)
	assert.Empty(t, found, "the run has ended")
}

// TestABootstrapThatCannotReadTheRunsChangesNothing is about a user who may read all but them.
func TestABootstrapThatCannotReadTheRunsChangesNothing(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop")
	p.bootstrap(text)
	p.begin("shop", "shop-1")
	p.Kube.Refuse = func(r kubetest.Request) int {
		if strings.Contains(r.Path, "/workflows") && r.Method == http.MethodGet {
			return http.StatusForbidden
		}
		return 0
	}
	p.Kube.Forget()
	var j journal
	_, err := install.Bootstrap(t.Context(), p.target(text+installtest.ProdEnvironment), install.BootstrapOptions{}, &j)
	require.ErrorContains(t, err, "workflow")
	assert.Empty(t, p.Kube.Writes())
	assert.Empty(t, j.starts())
}
