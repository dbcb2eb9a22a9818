package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// user works with a cluster and an account through environment variables.
type user struct {
	*installtest.Platform
	t *testing.T
}

func newUser(t *testing.T) user {
	t.Helper()
	p := user{installtest.New(t), t}
	for _, entry := range p.Env() {
		name, value, _ := strings.Cut(entry, "=")
		t.Setenv(name, value)
	}
	t.Setenv("KUBECONFIG", p.Kube.Kubeconfig(t))
	return p
}

// calls runs the program and returns what it printed.
func calls(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, log bytes.Buffer
	err = run(context.Background(), args, stdio.Streams{In: strings.NewReader(""), Out: &out, Err: &log})
	return out.String(), log.String(), err
}

// The name of the file is that of whoever wrote the repository.
func TestNoControlCharacterReachesTheTerminal(t *testing.T) {
	config := filepath.Join(t.TempDir(), "\x1b[2J.yaml")
	require.NoError(t, os.WriteFile(config, []byte("version: '1.0'\nenvironments: [{name: dev, account: '111111111111', region: eu-west-1, stacks: [{name: Shop}]}]\n"), 0o600))
	_, text, err := calls(t, "render", "-c", config)
	require.NoError(t, err)
	assert.Contains(t, text, `\x1b[2J.yaml names no GitHub repository`)
	assert.NotContains(t, text, "\x1b")
}

// file writes a configuration and returns its path.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aphex-config.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// inOrder checks that a text contains lines in this order. A line that ends with … may
// end in anything.
func inOrder(t *testing.T, text string, want ...string) {
	t.Helper()
	rest := strings.Split(text, "\n")
	for _, line := range want {
		start, open := strings.CutSuffix(line, "…")
		at := 0
		for at < len(rest) && rest[at] != line && (!open || !strings.HasPrefix(rest[at], start)) {
			at++
		}
		require.Less(t, at, len(rest), "no line %q after the ones before it in:\n%s", line, text)
		rest = rest[at+1:]
	}
}

func TestBootstrapPrintsChecksPlanProgressAndWebhookSettings(t *testing.T) {
	p := newUser(t)
	config := file(t, installtest.Named("shop")+installtest.ProdEnvironment)
	out, log, err := calls(t, "bootstrap", "-c", config, "--checks")
	require.NoError(t, err, log)
	assert.Empty(t, out)
	assert.NotContains(t, log, "Planned changes")
	assert.Empty(t, p.Kube.Writes())

	out, log, err = calls(t, "bootstrap", "-c", config, "--yes")
	require.NoError(t, err, log)
	stack, _ := p.Stack("shop")
	inOrder(t, log,
		"Checking pipeline shop-…", "  ok       AWS credentials: …", "  ok       bucket shop-artifacts (to be created)",
		"  ok       account 222222222222 in eu-west-1: CDK bootstrap version 28", "  ok       Argo Workflows v3.7.18", "",
		"Planned changes", "  stack    "+stack+" in account 111111111111, eu-west-1: bucket shop-artifacts, roles, webhook secret",
		"  secret   shop-github-webhook in namespace argo-events", "  created  sensor/shop-sensor", "",
		"By continuing you approve that each commit of the branch is deployed with these roles",
		"  new       account 111111111111 (dev): roles of the CDK bootstrap hnb659fds", "",
		"Stack "+stack, "  create_complete  ArtifactBucket", "  created", "",
		"Secret shop-github-webhook in namespace argo-events", "  created", "",
		"Objects", "  created   sensor/shop-sensor", "",
		"waiting for the webhook and the Sensor", "the webhook listens and the Sensor has subscribed: the next push starts a run", "",
		"Waiting for the webhook's address", "", "Stack "+stack, "  updated")
	inOrder(t, out,
		"The pipeline is installed. Add the webhook in GitHub, once:", "  1. open https://github.com/my-org/shop/settings/hooks/new",
		"       Payload URL   http://lb.example.test:12000/push",
		"                     aws secretsmanager get-secret-value --region eu-west-1 --secret-id "+stack+"/webhook --query SecretString --output text",
		"A push to main then starts the first run.")

	_, log, err = calls(t, "bootstrap", "-c", config, "--yes")
	require.NoError(t, err, log)
	inOrder(t, log, "Planned changes", "  objects  unchanged", "Stack "+stack, "  unchanged", "Objects", "  unchanged sensor/shop-sensor")
}

func TestBootstrapPrintsWhatFailsAndHowToFixIt(t *testing.T) {
	p := newUser(t)
	p.Kube.Put("/apis/argoproj.io/v1alpha1/namespaces/argo-events/eventbus/default", "kubectl", kubetest.Content{
		"kind": "EventBus", "metadata": kubetest.Content{"name": "default"}, "spec": kubetest.Content{"jetstream": kubetest.Content{}},
	})
	_, log, err := calls(t, "bootstrap", "-c", file(t, strings.Replace(installtest.Named("shop"), "shop/token", "shop/tokne", 1)), "--yes")
	require.ErrorContains(t, err, "1 of the checks failed; nothing was installed")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	inOrder(t, log,
		"  failed   GitHub token in secret shop/tokne: the secret does not exist", "           aws secretsmanager create-secret --name shop/tokne …",
		"  warning  EventBus default in argo-events: …", "           set spec.jetstream.maxPayload to 34MB")
}

func TestDiffApplyAndDeletePrintOneLinePerObject(t *testing.T) {
	p := newUser(t)
	config := file(t, installtest.Named("shop"))
	out, _, err := calls(t, "diff", "-c", config)
	require.ErrorIs(t, err, errDiffers)
	assert.Contains(t, out, "+  name: shop-sensor\n")

	_, _, err = calls(t, "apply", "-c", config)
	require.ErrorContains(t, err, "cannot prompt", "the pipeline's access to accounts needs an approval")
	_, log, err := calls(t, "apply", "-c", config, "--yes")
	require.NoError(t, err)
	inOrder(t, log, "pipeline shop-…", "sensor/shop-sensor created", "note: the webhook starts once namespace argo-events has a secret/shop-github-webhook; …")
	out, _, err = calls(t, "diff", "-c", config)
	require.NoError(t, err)
	assert.Empty(t, out)

	_, log, err = calls(t, "delete", "-c", config, "--aws", "--yes")
	require.NoError(t, err)
	inOrder(t, log, "sensor/shop-sensor removed", "bucket shop-artifacts stays")
	assert.Empty(t, p.Kube.Has("sensors"))
	_, _, err = calls(t, "delete", "-c", config, "--bucket")
	require.ErrorContains(t, err, "--bucket requires --aws")
}

func TestRotatePrintsWhatToDoInGitHubBeforeAndAfter(t *testing.T) {
	p := newUser(t)
	config := file(t, installtest.Named("shop"))
	_, log, err := calls(t, "bootstrap", "-c", config, "--yes")
	require.NoError(t, err, log)
	stack, _ := p.Stack("shop")
	_, log, err = calls(t, "rotate", "webhook", "-c", config)
	require.ErrorContains(t, err, "cannot prompt")
	assert.Contains(t, errs.HintOf(err), "--yes to confirm: Is the second webhook in GitHub?")
	inOrder(t, log, "secret "+stack+"/webhook in Secrets Manager changed", "Add a second webhook in GitHub, and keep the first one:",
		"  1. open https://github.com/my-org/shop/settings/hooks/new", "       Payload URL   that of the first one, with another text at its end: ?secret=2")

	const deployment = "/apis/apps/v1/namespaces/argo-events/deployments/shop-github-eventsource-x7"
	p.Kube.Put(deployment, "argo-events", kubetest.Content{"kind": "Deployment", "apiVersion": "apps/v1", "metadata": kubetest.Content{
		"name": "shop-github-eventsource-x7", "namespace": "argo-events", "labels": kubetest.Content{"eventsource-name": "shop-github"},
	}, "status": kubetest.Content{"observedGeneration": int64(9), "replicas": int64(1), "updatedReplicas": int64(1), "availableReplicas": int64(1)}})
	out, log, err := calls(t, "rotate", "webhook", "-c", config, "--yes")
	require.NoError(t, err, log)
	inOrder(t, log, "note: the webhook does not use the secret "+stack+"/webhook yet: continuing the rotation that began before", "secret/shop-github-webhook changed")
	assert.Contains(t, out, "Delete the old webhook in GitHub:\n  https://github.com/my-org/shop/settings/hooks\n")

	_, log, err = calls(t, "rotate", "token", "-c", config)
	require.NoError(t, err)
	assert.Contains(t, log, "secret/shop-results.service-account-token changed")
}

func TestNothingIsInstalledOrRemovedWithoutConfirmation(t *testing.T) {
	p := newUser(t)
	config := file(t, installtest.Named("shop"))
	for _, verb := range [][]string{{"bootstrap"}, {"delete", "--aws", "--bucket"}} {
		_, _, err := calls(t, append(verb, "-c", config)...)
		require.ErrorContains(t, err, "cannot prompt")
		assert.Regexp(t, `^use --yes to confirm: \w`, errs.HintOf(err))
	}
	_, _, err := calls(t, "delete", "--aws", "--bucket", "-c", config)
	assert.Regexp(t, `Remove the pipeline shop-\w+ from http://\S+, and its stack aphex-shop-\w+, and the bucket shop-artifacts with all artifacts and records\?$`, errs.HintOf(err))
	assert.Empty(t, p.Kube.Writes())
}

func TestAFailedDiffDoesNotExitLikeADifference(t *testing.T) {
	p := newUser(t)
	p.Kube.Refuse = func(r kubetest.Request) int {
		if r.Method == "PATCH" {
			return 403
		}
		return 0
	}
	_, _, err := calls(t, "diff", "-c", file(t, installtest.Named("shop")))
	require.ErrorContains(t, err, "no permission to change")
	assert.Equal(t, errs.Invalid, errs.KindOf(err), "exit code 2")
}

func TestAPipelineDoesNotDependOnTheCurrentFolder(t *testing.T) {
	top := t.TempDir()
	require.NoError(t, exec.Command("git", "init", "-q", top).Run())
	require.NoError(t, os.Mkdir(filepath.Join(top, "services"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(top, "services", "shop.yaml"), []byte(installtest.Named("shop")), 0o600))
	t.Chdir(top)
	fromTop, _, err := calls(t, "render", "-c", "services/shop.yaml")
	require.NoError(t, err)
	assert.Contains(t, fromTop, "aphex.dev/config: services/shop.yaml")
	t.Chdir("services")
	fromFolder, _, err := calls(t, "render", "-c", "shop.yaml")
	require.NoError(t, err)
	assert.Equal(t, fromTop, fromFolder)
}

func TestAnOldConfigurationIsCompletedByFlags(t *testing.T) {
	newUser(t)
	path := file(t, "version: \"1.0\"\nwebhookService: ClusterIP\nbuild: {commands: [npm ci]}\nenvironments:\n  - {name: dev, account: \"111111111111\", region: eu-west-1, stacks: [{name: Api, path: lib}]}\n")
	_, _, err := calls(t, "apply", "-c", path)
	require.ErrorContains(t, err, "there is no githubOwner")
	flags := []string{"-c", path, "--github-owner", "my-org", "--github-repo", "old", "--cluster-name", "company"}
	_, _, err = calls(t, append([]string{"apply", "--yes"}, flags...)...)
	require.NoError(t, err)
	out, _, err := calls(t, append([]string{"render"}, flags...)...)
	require.NoError(t, err)
	assert.Contains(t, out, "kind: Sensor")
	assert.Contains(t, out, "name: APHEX_GITHUB_OWNER\n        value: my-org\n", "the pipeline completes it the same way when it updates itself")
}

func TestRenderWarnsOfWhatItDoesNotCheckAndPrintsTheObjectsAlone(t *testing.T) {
	const environment = "environments: [{name: dev, account: '111111111111', region: eu-west-1, stacks: [{name: Api}]}]\n"
	const webhook = "version: '1.0'\ngithubOwner: my-org\ngithubRepo: shop\nclusterName: company\n" + environment
	for name, c := range map[string]struct {
		text  string
		flags []string
		warns string
	}{
		"no repository":             {"version: '1.0'\nwebhookAllowHttp: true\n" + environment, nil, "names no GitHub repository"},
		"plain HTTP":                {webhook, nil, "over plain HTTP"},
		"plain HTTP that is wanted": {webhook + "webhookAllowHttp: true\n", nil, "over plain HTTP"},
		"TLS before it":             {webhook + "webhookService: ClusterIP\n", nil, ""},
		"a registry of their own for some": {
			webhook + "webhookService: ClusterIP\nvalidatorImage: r.example/aphex/validator:1.4.0\n", nil,
			"validatorImage is r.example/aphex/validator:1.4.0, but other stages run in public.ecr.aws/aphex/builder:latest, public.ecr.aws/aphex/deployer:latest, public.ecr.aws/aphex/tester:latest\n  hint: to use one release for all stages: --images r.example/aphex:1.4.0\n",
		},
		"a registry of their own for all": {
			webhook + "webhookService: ClusterIP\nvalidatorImage: r.example/aphex/validator:1.4.0\n", []string{"--images", "r.example/aphex:1.4.0"}, "",
		},
	} {
		out, log, err := calls(t, append([]string{"render", "-c", file(t, c.text)}, c.flags...)...)
		require.NoError(t, err, name)
		assert.NotContains(t, out, "warning:", name)
		if c.warns == "" {
			assert.Empty(t, log, name)
			continue
		}
		assert.Contains(t, log, c.warns, name)
		assert.Equal(t, 1, strings.Count(log, "warning: "), name)
		assert.Equal(t, 1, strings.Count(log, "\n  hint: "), name)
	}
}

func TestInitWritesNothingOutsideOfTheRepository(t *testing.T) {
	top := t.TempDir()
	source := filepath.Join(top, "repository")
	require.NoError(t, os.MkdirAll(filepath.Join(source, "sub"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(source, "cdk.json"), []byte(`{"app": "node app.js"}`), 0o600))
	for _, outside := range []string{"../x.yaml", filepath.Join(top, "x.yaml"), "sub/../../x.yaml", source + "-2/x.yaml"} {
		_, _, err := calls(t, "init", "--source", source, "-c", outside)
		require.ErrorContains(t, err, outside+" is outside of "+source)
		assert.Equal(t, errs.Invalid, errs.KindOf(err))
	}
	assert.NoFileExists(t, filepath.Join(top, "x.yaml"))
	for given, next := range map[string]string{"sub/one.yaml": "sub/one.yaml", filepath.Join(source, "sub", "two.yaml"): "sub/two.yaml"} {
		_, log, err := calls(t, "init", "--source", source, "-c", given)
		require.NoError(t, err)
		assert.Contains(t, log, "generator run --source "+source+" -c "+next+"\n")
		assert.FileExists(t, filepath.Join(source, next))
	}
}
