package install_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
)

// offline is a target whose verb must not call AWS.
func (p platform) offline(text string) install.Target {
	target := p.target(text)
	target.AWS = func(context.Context, string) (aws.Config, error) {
		p.t.Error("AWS was asked")
		return aws.Config{}, nil
	}
	return target
}

func (p platform) diff(text string) string {
	p.t.Helper()
	var j journal
	differences, err := install.Diff(p.t.Context(), p.offline(text), &j)
	require.NoError(p.t, err)
	assert.Empty(p.t, j.String())
	var all strings.Builder
	for _, difference := range differences {
		all.Write(difference.Text)
	}
	return all.String()
}

func TestDiffShowsWhatApplyChangesAndNeitherCallsAWSBeforeABootstrap(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop")
	assert.Contains(t, p.diff(text), "+  name: shop-sensor\n")
	assert.Empty(t, p.Kube.Writes())

	var j journal
	changes, err := install.Apply(t.Context(), p.offline(text), install.ApplyOptions{}, &j)
	require.NoError(t, err)
	assert.Contains(t, j.lines, "objects: sensor/shop-sensor created")
	assert.Len(t, changes, strings.Count(j.String(), "objects:"))
	assert.Contains(t, j.lines, "note: the webhook starts once namespace argo-events has a secret/shop-github-webhook; generator bootstrap installs it")
	assert.NotContains(t, j.starts(), "webhook", "without its secret it does not start")
	assert.Empty(t, p.diff(text))

	text += installtest.ProdEnvironment
	assert.Contains(t, p.diff(text), "+        name: deploy-prod\n")
	p.apply(text)
	assert.Empty(t, p.diff(text))
}

func TestApplyWaitsUntilAPushWouldStartARun(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.bootstrap(installtest.Named("shop"))
	j := p.apply(installtest.Named("shop") + installtest.ProdEnvironment)
	assert.Equal(t, []string{"stack", "webhook"}, j.starts())
	assert.Equal(t, "ready", j.lines[len(j.lines)-1])
}

func TestAnAccountThatAnApplyAddsIsConfirmedAndGetsItsRoleBeforeItsServiceAccount(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop")
	p.bootstrap(text)
	same := strings.Replace(text, "name: dev", "name: test", 1)
	require.NotEqual(t, text, same)
	var j journal
	_, err := install.Apply(t.Context(), p.offline(same), install.ApplyOptions{Confirm: func(context.Context, install.Plan) error {
		t.Error("an environment of the same account asks nobody")
		return nil
	}}, &j)
	require.NoError(t, err)

	declined := errors.New("declined")
	var asked install.Plan
	_, err = install.Apply(t.Context(), p.target(text+installtest.ProdEnvironment), install.ApplyOptions{Confirm: func(_ context.Context, plan install.Plan) error {
		asked = plan
		return declined
	}}, &j)
	require.ErrorIs(t, err, declined)
	require.Len(t, asked.Differences, 1)
	assert.Equal(t, "serviceaccount/shop-222222222222", asked.Differences[0].Object)
	assert.Contains(t, string(asked.Differences[0].Text), "aphex.dev/access: 222222222222=hnb659fds")
	assert.NotContains(t, p.Kube.Has("serviceaccounts"), "shop-222222222222")

	applied := p.apply(text + installtest.ProdEnvironment)
	assert.Less(t, strings.Index(applied.String(), "CREATE_COMPLETE DeployerRole222222222222"), strings.Index(applied.String(), "serviceaccount/shop-222222222222 created"))
	assert.Contains(t, applied.String(), "CREATE_COMPLETE DeployerRole222222222222")
}

// A commit that needs a person for something else may also name another host.
func TestAnotherHostThatGetsTheTokenIsShownAndConfirmed(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop")
	p.bootstrap(text)
	declined := errors.New("declined")
	var asked install.Plan
	var j journal
	_, err := install.Apply(t.Context(), p.offline(text+"githubHost: github.example.net\n"), install.ApplyOptions{Confirm: func(_ context.Context, plan install.Plan) error {
		asked = plan
		return declined
	}}, &j)
	require.ErrorIs(t, err, declined)
	assert.Equal(t, install.Host{Now: "github.example.net", Before: "github.com"}, asked.Host)
	assert.Empty(t, asked.Differences, "no identity changes")

	_, err = install.Apply(t.Context(), p.offline(text), install.ApplyOptions{Confirm: func(context.Context, install.Plan) error {
		t.Error("the same host asks nobody")
		return nil
	}}, &j)
	require.NoError(t, err)
}

func TestApplyReturnsTheChangesThatWereMadeBeforeAnError(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.Kube.Refuse = func(r kubetest.Request) int {
		if r.Method == http.MethodPatch && !r.Dry && strings.Contains(r.Path, "/sensors/") {
			return http.StatusForbidden
		}
		return 0
	}
	var j journal
	changes, err := install.Apply(t.Context(), p.offline(installtest.Named("shop")), install.ApplyOptions{}, &j)
	require.ErrorContains(t, err, "no permission to change sensor/shop-sensor")
	assert.NotEmpty(t, changes)
	assert.Contains(t, j.lines, "objects: serviceaccount/shop created")
	assert.Empty(t, p.Kube.Has("sensors"))
}

func TestAnApplyNamesWhatAnotherPipelineOwnsAndWhatToSet(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.apply(installtest.Nameless("shop"))
	other := strings.Replace(installtest.Nameless("shop"), "my-org", "other-org", 1)
	var j journal
	_, err := install.Apply(t.Context(), p.offline(other), install.ApplyOptions{}, &j)
	require.ErrorContains(t, err, `belongs to the pipeline "shop-`)
	assert.Contains(t, errs.HintOf(err), "set workflowTemplateName")
	assert.NotContains(t, j.String(), "objects:")

	p.apply(other + "workflowTemplateName: other-shop\n")
	assert.ElementsMatch(t, []string{"shop-sensor", "other-shop-sensor"}, p.Kube.Has("sensors"))
}
