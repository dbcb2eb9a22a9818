package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/e2e/world"
)

func TestOnlyPushesToTheBranchStartARunAndAPullRequestIsOnlyChecked(t *testing.T) {
	p := newPipeline(t, "market", shop, func(p *pipeline) {
		p.replace("aphex-config.yaml", "githubRepo: shop", "githubRepo: market", "workflowTemplateName: shop-pipeline", "workflowTemplateName: market-pipeline",
			"workflowNamePrefix: shop-", "workflowNamePrefix: market-",
			"clusterName: company-pipelines\n", "clusterName: company-pipelines\nartifactBucketName: market-artifacts\n"+p.onThisCluster())
	})
	commit := p.commit("Open the market")
	p.command("git", "push", "--quiet", "origin", "HEAD:main", "HEAD:feature")
	push := string(p.pushEvent(commit))

	assert.NotEqual(t, http.StatusOK, p.deliver("push", []byte(push), world.Signature("guessed", []byte(push))))
	assert.NotEqual(t, http.StatusOK, p.deliver("push", []byte(push), ""))
	pull := fmt.Sprintf(`{"action": "opened", "number": 1, "pull_request": {"base": {"ref": "main"}, "head": {"ref": "feature", "sha": %q,
"repo": {"full_name": "example/market"}}}, "repository": {"full_name": "example/market", "clone_url": "https://github.com/example/market.git"}, "sender": {"login": "team-member"}}`, commit)
	for event, body := range map[string]string{
		"push a deletion":     strings.Replace(push, `"deleted": false`, `"deleted": true`, 1),
		"push a tag":          strings.Replace(push, "refs/heads/main", "refs/tags/v1", 1),
		"push a branch":       strings.Replace(push, "refs/heads/main", "refs/heads/feature", 1),
		"pull_request a fork": strings.Replace(pull, `"repo": {"full_name": "example/market"}`, `"repo": {"full_name": "another-org/market"}`, 1),
		"pull_request":        pull, // the only one that starts a check
	} {
		kind, _, _ := strings.Cut(event, " ")
		assert.Equal(t, http.StatusOK, p.deliver(kind, []byte(body), world.Signature(p.secret, []byte(body))), event)
	}

	// The Sensor takes a second for an event, the check many: at its end, a run started by
	// one of the others would exist.
	p.eventually("the check of the pull request", limit, func() bool {
		found := p.runsOf()
		return len(found) > 0 && !found[0].Status.FinishedAt.IsZero()
	})
	found := p.runsOf()
	require.Len(t, found, 1)
	assert.Equal(t, "Succeeded", found[0].Status.Phase, found[0].Status.Message)
	assert.True(t, strings.HasPrefix(found[0].Metadata.Name, "market-check-"), found[0].Metadata.Name)
	assert.NotContains(t, found[0].names(), "build")
	assert.Contains(t, found[0].names(), "plan")
}
