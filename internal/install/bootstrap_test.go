package install_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
)

func TestBootstrapInstallsEverythingInOrderAndCanBeRunAgain(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop") + installtest.ProdEnvironment
	installed, j := p.bootstrap(text)
	assert.Equal(t, "http://lb.example.test:12000/push", installed.PayloadURL)
	assert.Equal(t, []string{"stack", "secret", "objects", "webhook", "address", "stack"}, j.starts())
	assert.Contains(t, j.lines, "ready")

	stack, outputs := p.Stack("shop")
	assert.Equal(t, stack+"/webhook", installed.Secret)
	assert.Equal(t, installed.PayloadURL, outputs["ArgoEventsWebhookUrl"])
	account := p.Kube.Object("/api/v1/namespaces/argo/serviceaccounts/shop-111111111111")
	assert.Equal(t, outputs["WorkflowExecutionRoleArn"], account.GetAnnotations()["eks.amazonaws.com/role-arn"])
	secret := p.Kube.Object("/api/v1/namespaces/argo-events/secrets/shop-github-webhook").Object["data"].(kubetest.Content)["secret"].(string)
	value, err := base64.StdEncoding.DecodeString(secret)
	require.NoError(t, err)
	require.Len(t, value, 64)
	assert.NotContains(t, j.String(), secret)
	assert.NotContains(t, j.String(), string(value))

	before := p.Kube.Paths()
	var again journal
	_, err = install.Bootstrap(t.Context(), p.target(text), install.BootstrapOptions{Confirm: func(_ context.Context, plan install.Plan) error {
		assert.Empty(t, plan.Differences)
		return nil
	}}, &again)
	require.NoError(t, err)
	for _, line := range again.lines {
		for _, word := range []string{" created", " changed", " updated", " removed", "_COMPLETE"} {
			assert.NotContains(t, line, word)
		}
	}
	assert.Equal(t, before, p.Kube.Paths())
}

// The template of a stack with many roles is too large to send inline, and the bucket in which
// it is published is one of its resources.
func TestAPipelineOfManyAccountsBeginsWithItsBucket(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop")
	for i := range 50 {
		text += fmt.Sprintf("  - {name: e%[1]d, account: \"%[2]d\", region: eu-west-1, roleArn: \"arn:aws:iam::%[2]d:role/r\", stacks: [{name: Api}]}\n", i, 300000000000+i)
	}
	_, j := p.bootstrap(text)
	assert.Equal(t, []string{"stack", "stack", "secret", "objects", "webhook", "address", "stack"}, j.starts())
	assert.Less(t, strings.Index(j.String(), "CREATE_COMPLETE ArtifactBucket"), strings.Index(j.String(), "CREATE_COMPLETE DeployerRole300000000049"))
	_, again := p.bootstrap(text)
	assert.NotContains(t, again.String(), " created")
	assert.NotContains(t, again.String(), " updated")
}

func TestBootstrapConfirmsItsPlanAndInstallsNothingThatIsNotConfirmed(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	declined := errors.New("declined")
	var plan install.Plan
	var j journal
	_, err := install.Bootstrap(t.Context(), p.target(installtest.Named("shop")), install.BootstrapOptions{Confirm: func(_ context.Context, p install.Plan) error {
		plan = p
		return declined
	}}, &j)
	require.ErrorIs(t, err, declined)
	assert.Equal(t, "shop-artifacts", plan.Place.Bucket)
	assert.Equal(t, "secret/shop-github-webhook", plan.Secret.String())
	assert.True(t, strings.HasPrefix(plan.Stack, "aphex-shop-"))
	var objects []string
	for _, difference := range plan.Differences {
		objects = append(objects, difference.Object+" "+string(difference.Action))
	}
	assert.Subset(t, objects, []string{"sensor/shop-sensor created", "eventsource/shop-github created", "serviceaccount/shop created"})
	assert.Empty(t, j.starts())
	assert.Nil(t, p.outputs("shop"))
	assert.Empty(t, p.Kube.Writes())
}

func TestAnInterruptedBootstrapReportsWhatStaysAndContinuesFromThere(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	ctx, stop := context.WithCancel(t.Context())
	j := journal{seen: func(line string) {
		if strings.HasPrefix(line, "objects…") {
			stop()
		}
	}}
	_, err := install.Bootstrap(ctx, p.target(installtest.Named("shop")), install.BootstrapOptions{}, &j)
	assert.Equal(t, errs.Cancelled, errs.KindOf(err))
	stack, _ := p.Stack("shop")
	assert.Contains(t, errs.HintOf(err), "finishes the operation on stack "+stack+"; generator bootstrap continues from there")
	assert.NotContains(t, err.Error(), "context canceled")
	assert.Empty(t, p.Kube.Has("sensors"))

	p.bootstrap(installtest.Named("shop"))
	assert.Equal(t, []string{"shop-sensor"}, p.Kube.Has("sensors"))
}

func TestThePayloadURLIsDescribedWhereTheClusterDoesNotKnowIt(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for service, want := range map[string]string{
		"ClusterIP": "the URL of your ingress to service/shop-github-eventsource-svc in namespace argo-events, port 12000, path /push",
		"NodePort":  "http://<address of a node>:<node port>/push of service/shop-github-eventsource-svc",
		"None":      "the URL of your ingress to the pods with the label eventsource-name=shop-github",
	} {
		installed, j := p.bootstrap("webhookService: " + service + "\n" + installtest.Named("shop"))
		assert.Contains(t, installed.PayloadURL, want, service)
		assert.NotContains(t, j.starts(), "address", service)
	}
}

func TestAWebhookOverPlainHTTPIsNotInstalledUnlessTheConfigurationAllowsIt(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	plain := strings.Replace(installtest.Named("shop"), "webhookAllowHttp: true\n", "", 1)
	var j journal
	_, err := install.Bootstrap(t.Context(), p.target(plain), install.BootstrapOptions{}, &j)
	require.ErrorContains(t, err, "1 of the checks failed")
	assert.Contains(t, j.String(), "failed: encryption of the webhook: the webhook is reached over plain HTTP")
	_, err = install.Apply(t.Context(), p.target(plain), install.ApplyOptions{}, &j)
	require.ErrorContains(t, err, "the webhook is reached over plain HTTP")
	assert.Contains(t, errs.HintOf(err), "webhookAllowHttp: true")
	assert.Empty(t, p.Kube.Writes())

	installed, _ := p.bootstrap("webhookCertificateArn: arn:aws:acm:eu-west-1:111111111111:certificate/1234\n" + plain)
	assert.Contains(t, installed.PayloadURL, "https://<name of the certificate>:12000/push, with a DNS record of that name for the load balancer of service/shop-github-eventsource-svc")
}

func TestARenamedPipelineLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop") + installtest.ProdEnvironment
	p.bootstrap(text)
	for _, key := range []string{"workflowTemplateName", "eventSourceName", "sensorName", "serviceAccountName"} {
		text = strings.ReplaceAll(text, key+": shop", key+": store")
	}
	p.bootstrap(text)
	for _, path := range p.Kube.Paths() {
		assert.NotContains(t, strings.Replace(path, "/aphex-shop-", "/", 1), "shop", "objects of the whole cluster have the name of the stack")
	}
	outputs := p.outputs("shop")
	assert.Equal(t, "store", outputs["WorkflowTemplateName"], "the stack stays, as the pipeline does")
	account := p.Kube.Object("/api/v1/namespaces/argo/serviceaccounts/store-111111111111")
	assert.Equal(t, outputs["WorkflowExecutionRoleArn"], account.GetAnnotations()["eks.amazonaws.com/role-arn"])
	assert.Nil(t, p.outputs("store"))
}

func TestTwoPipelinesWithoutNamesShareAClusterAndAnAccount(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.bootstrap(installtest.Nameless("shop"))
	second := p.target(installtest.Nameless("market"))
	var j journal
	_, err := install.Bootstrap(t.Context(), second, install.BootstrapOptions{}, &j)
	require.ErrorContains(t, err, "2 of the checks failed")
	assert.Contains(t, j.String(), "failed: namespace argo for this pipeline alone: the pipeline shop-")
	assert.Contains(t, j.String(), "--allow-shared-namespaces")
	assert.Equal(t, []string{"shop-sensor"}, p.Kube.Has("sensors"))

	second.SharedNamespaces = true
	_, err = install.Bootstrap(t.Context(), second, install.BootstrapOptions{}, &j)
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"shop-sensor", "market-sensor"}, p.Kube.Has("sensors"))
	assert.Equal(t, "aphex-shop-111111111111-eu-west-1", p.outputs("shop")["ArtifactBucketName"])
	assert.Equal(t, "aphex-market-111111111111-eu-west-1", p.outputs("market")["ArtifactBucketName"])
}

func TestAnInstalledPipelineKeepsNamesThatItsConfigurationOmits(t *testing.T) {
	t.Parallel()
	former := "eventSourceName: github\nsensorName: aphex-pipeline-sensor\nserviceAccountName: workflow-executor\nworkflowNamePrefix: aphex-pipeline-\nartifactBucketName: aphex-pipeline-artifacts-111111111111-eu-west-1\n"
	for _, template := range []string{"aphex-pipeline-template", "store"} {
		t.Run(template, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.bootstrap(former + "workflowTemplateName: " + template + "\n" + installtest.Nameless("shop"))
			before := p.Kube.Paths()

			text := installtest.Nameless("shop")
			differences, err := install.Diff(t.Context(), p.target(text), &journal{})
			require.NoError(t, err)
			assert.Empty(t, differences)
			p.apply(text)
			_, j := p.bootstrap(text)
			assert.Contains(t, j.lines, "ok: the pipeline is installed as "+template+", and keeps its names")
			assert.Equal(t, before, p.Kube.Paths())

			var removed journal
			_, err = install.Delete(t.Context(), p.target(text), install.DeleteOptions{Stack: true, Bucket: true}, &removed)
			require.NoError(t, err)
			assert.Contains(t, removed.lines, "bucket: bucket aphex-pipeline-artifacts-111111111111-eu-west-1 removed")
		})
	}
}
