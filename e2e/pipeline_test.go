package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/e2e/node"
	"github.com/aphex/aphex-pipeline/e2e/world"
)

// pipeline is an installed pipeline, with its repository.
type pipeline struct {
	*platform
	t      *testing.T
	name   string // of the repository and of all objects of the pipeline
	folder string // the work tree
	secret string // of the webhook
	push24 bool   // whether its pushes have GitHub's maximum size
}

// newPipeline makes a repository of an app, and installs its pipeline with generator
// bootstrap, as a user would. Edit changes the work tree first. After a test that passed,
// the pipeline is removed, as the cluster has room for a few only.
func newPipeline(t *testing.T, name, app string, edit func(p *pipeline)) *pipeline {
	t.Helper()
	p := newRepository(t, name, app, edit)
	p.generator("bootstrap", "--yes", "--allow-shared-namespaces")
	p.deleteAtEnd()
	p.secret = p.webhookSecret()
	return p
}

// newRepository makes a repository of an app whose pipeline is not installed.
func newRepository(t *testing.T, name, app string, edit func(p *pipeline)) *pipeline {
	t.Helper()
	p := &pipeline{platform: shared, t: t, name: name, folder: filepath.Join(shared.work, "teams", name)}
	require.NoError(t, copyTracked(app, p.folder))
	bare := filepath.Join(p.world.Repositories, "example", name+".git")
	p.command("git", "init", "--quiet", "--bare", "--initial-branch=main", bare)
	p.command("git", "-C", bare, "config", "uploadpack.allowAnySHA1InWant", "true")
	p.command("git", "-C", p.folder, "init", "--quiet", "--initial-branch=main")
	p.command("git", "-C", p.folder, "remote", "add", "origin", bare)
	edit(p)
	return p
}

// deleteAtEnd removes the pipeline after a test that passed.
func (p *pipeline) deleteAtEnd() {
	p.t.Cleanup(func() {
		if !p.t.Failed() {
			p.generator("delete", "--yes")
		}
	})
}

// newSmall installs a pipeline of the shop with its database only, as
// <Name>Database, with the environments in the format of the configuration.
func newSmall(t *testing.T, name, environments string) *pipeline {
	t.Helper()
	return newPipeline(t, name, shop, func(p *pipeline) {
		p.replace("bin/shop.ts", "'DatabaseStack'", "'"+p.database()+"'")
		p.configure(environments)
	})
}

// database returns the name of the stack of a small pipeline.
func (p *pipeline) database() string { return strings.ToUpper(p.name[:1]) + p.name[1:] + "Database" }

// configure rewrites the configuration of a small pipeline. DATABASE in the environments is its stack.
func (p *pipeline) configure(environments string) {
	p.t.Helper()
	text := strings.NewReplacer("NAME", p.name, "SETTINGS", p.onThisCluster(), "DATABASE", p.database()).Replace(`version: "1.0"
githubOwner: example
githubRepo: NAME
githubTokenSecretName: shop/github-token
clusterName: company-pipelines
workflowTemplateName: NAME-pipeline
workflowNamePrefix: NAME-
artifactBucketName: NAME-artifacts
webhookService: ClusterIP
SETTINGSbuild:
  commands: [npm ci --prefer-offline --no-audit --no-fund, npm run build, npm prune --omit=dev --no-audit --no-fund]
environments:
` + environments)
	require.NoError(p.t, os.WriteFile(filepath.Join(p.folder, "aphex-config.yaml"), []byte(text), 0o644))
}

// copyTracked copies the tracked files of a folder.
func copyTracked(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	files, err := exec.Command("git", "-C", from, "-c", "safe.directory=*", "ls-files").Output()
	if err != nil {
		return err
	}
	for _, file := range strings.Fields(string(files)) {
		if err := os.MkdirAll(filepath.Join(to, filepath.Dir(file)), 0o755); err != nil {
			return err
		}
		content, err := os.ReadFile(filepath.Join(from, file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, file), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// command runs a program as the team does, with permissions in the pipeline's account.
func (p *pipeline) command(program string, args ...string) string {
	p.t.Helper()
	cmd := exec.CommandContext(p.ctx, program, args...)
	cmd.Dir = p.folder
	cmd.Env = append(p.environment(home), "GIT_AUTHOR_NAME=Team", "GIT_AUTHOR_EMAIL=team@example.com",
		"GIT_COMMITTER_NAME=Team", "GIT_COMMITTER_EMAIL=team@example.com", "GIT_CONFIG_GLOBAL=/dev/null")
	output, err := cmd.CombinedOutput()
	require.NoErrorf(p.t, err, "%s %s\n%s", program, strings.Join(args, " "), output)
	return strings.TrimSpace(string(output))
}

func (p *pipeline) generator(args ...string) string {
	p.t.Helper()
	program, err := filepath.Abs(*generator)
	require.NoError(p.t, err)
	return p.command(program, args...)
}

// replace edits a file of the work tree: pairs of old and new text.
func (p *pipeline) replace(file string, pairs ...string) {
	p.t.Helper()
	path := filepath.Join(p.folder, file)
	content, err := os.ReadFile(path)
	require.NoError(p.t, err)
	for i := 0; i < len(pairs); i += 2 {
		require.Contains(p.t, string(content), pairs[i])
	}
	require.NoError(p.t, os.WriteFile(path, []byte(strings.NewReplacer(pairs...).Replace(string(content))), 0o644))
}

// webhookSecret reads the secret that a user sets in GitHub.
func (p *pipeline) webhookSecret() string {
	p.t.Helper()
	var found struct{ Data map[string][]byte }
	secrets := "/api/v1/namespaces/" + node.Events + "/secrets/"
	require.NoError(p.t, p.node.Get(p.ctx, secrets+p.name+"-github-webhook", &found))
	return string(found.Data["secret"])
}

// commit commits all changes of the work tree and returns the SHA.
func (p *pipeline) commit(message string) string {
	p.t.Helper()
	p.command("git", "add", "--all")
	p.command("git", "commit", "--quiet", "--allow-empty", "--message", message)
	return p.command("git", "rev-parse", "HEAD")
}

// push commits, pushes, and calls the webhook as GitHub does.
func (p *pipeline) push(message string) (commit string) {
	p.t.Helper()
	commit = p.commit(message)
	p.command("git", "push", "--quiet", "origin", "HEAD:main")
	body := p.pushEvent(commit)
	require.Equal(p.t, http.StatusOK, p.deliver("push", body, world.Signature(p.secret, body)))
	return commit
}

// pushEvent has the fields of a push event that the pipeline reads.
func (p *pipeline) pushEvent(commit string) []byte {
	commits := ""
	if p.push24 {
		commits = strings.Repeat("x", 24_000_000)
	}
	return fmt.Appendf(nil, `{"ref": "refs/heads/main", "before": "%040d", "after": %q, "deleted": false, "created": false, "forced": false,
"repository": {"id": 1, "name": %[3]q, "full_name": "example/%[3]s", "clone_url": "https://github.com/example/%[3]s.git"},
"pusher": {"name": "team-member", "email": "team@example.com"}, "sender": {"login": "team-member"}, "head_commit": {"id": %[2]q, "message": "%[4]s"}}`, 0, commit, p.name, commits)
}

// webhook returns the URL of the webhook, at the address of its Service.
func (p *pipeline) webhook() string {
	p.t.Helper()
	return "http://" + p.kubectl("get", "service", p.name+"-github-eventsource-svc", "-n", node.Events, "-o", "jsonpath={.spec.clusterIP}") + ":12000/push"
}

// deliver sends an event to the webhook.
func (p *pipeline) deliver(event string, body []byte, signature string) (status int) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.ctx, http.MethodPost, p.webhook(), bytes.NewReader(body))
	require.NoError(p.t, err)
	for name, value := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/e2e", "X-GitHub-Event": event,
		"X-GitHub-Delivery": fmt.Sprintf("%d", time.Now().UnixNano()), "X-Hub-Signature-256": signature,
	} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(p.t, err)
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

func (p *pipeline) argo(args ...string) string {
	p.t.Helper()
	output, err := p.node.Argo(p.ctx, args...)
	require.NoError(p.t, err)
	return output
}

func (p *pipeline) kubectl(args ...string) string {
	p.t.Helper()
	output, err := p.node.Kubectl(p.ctx, "", args...)
	require.NoError(p.t, err)
	return output
}

// eventually polls until ask returns true.
func (p *pipeline) eventually(what string, limit time.Duration, ask func() bool) {
	p.t.Helper()
	deadline := time.Now().Add(limit)
	for !ask() {
		require.True(p.t, time.Now().Before(deadline), "waited %s for %s", limit, what)
		require.NoError(p.t, p.ctx.Err())
		time.Sleep(500 * time.Millisecond)
	}
}
