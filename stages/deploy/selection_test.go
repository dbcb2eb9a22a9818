package deploy_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/stages/deploy"
)

func TestStacksAreNamedByPathAndPattern(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shape("staged")
	w.configure(`
  - name: dev
    account: "111111111111"
    region: eu-west-1
    concurrency: 2
    stacks:
      - {name: Edge, dependsOn: ["Dev/*"]}
      - {name: "Dev/*"}
    hooks: {postDeploy: [test -n "$OUTPUT_DEV_WEB_SITE_URL"]}
`)
	out, err := w.run("dev")
	require.NoError(t, err, w.log.String()+w.out.String())
	assert.Equal(t, map[string]string{"Dev-Store": "created", "Dev-Web": "created", "Edge": "created"}, actions(out))
	assert.Contains(t, w.log.String(), "Edge is listed before Dev-Store, which it needs; Dev-Store is deployed first")
	var outputs map[string]map[string]string
	require.NoError(t, json.Unmarshal([]byte(w.stored.Document(out.Outputs)), &outputs))
	assert.NotEmpty(t, outputs["Dev-Web"]["SiteUrl"])

	w.configure(`
  - name: dev
    account: "111111111111"
    region: eu-west-1
    stacks: [{name: Dev/Web}, {name: "**/*e*"}]
`)
	out, err = w.run("dev", func(in *deploy.Input) { in.Stacks = []string{"Dev/Web,Edge"} })
	require.NoError(t, err, w.log.String()+w.out.String())
	assert.Equal(t, map[string]string{"Dev/Web": "unchanged", "Dev-Store": "unchanged", "Edge": "unchanged"}, actions(out))

	_, err = w.run("dev", func(in *deploy.Input) { in.Stacks = []string{"Dve/Web"} })
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Equal(t, "did you mean Dev/Web?", errs.HintOf(err))
}

func TestAnEmptyStackSelectionDoesNotSelectAll(t *testing.T) {
	t.Parallel()
	for _, empty := range []string{"", " ", ",", " , "} {
		in := deploy.Input{Environment: "dev", Stacks: []string{empty}, Workspace: bucket.Workspace{Commit: commit, Source: t.TempDir()}}
		assert.ErrorContains(t, in.Validate(), "--stacks names no stack", "%q", empty)
		in.Stacks = append(in.Stacks, "Api")
		assert.NoError(t, in.Validate())
	}
}
