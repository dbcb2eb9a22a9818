package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/stages"
)

// contracts are the contracts of the stages after a way through JSON.
func contracts(t *testing.T) (read plan.Stages) {
	t.Helper()
	text, err := json.Marshal(stages.Contracts())
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, stages.Contracts(), read)
	return read
}

// complete completes a configuration of the golden set with what a cluster requires.
func complete(t *testing.T, text string) string {
	t.Helper()
	for _, line := range []string{"githubOwner: example", "githubRepo: shop", "clusterName: company-pipelines"} {
		key, _, _ := strings.Cut(line, ":")
		if !strings.Contains("\n"+text, "\n"+key+":") {
			text += "\n" + line + "\n"
		}
	}
	return text
}

func TestEveryGoldenConfigurationRendersWhatTheGeneratorRenders(t *testing.T) {
	files, err := filepath.Glob("../../internal/argo/testdata/golden/*/" + config.File)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 12)
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			text := complete(t, string(source))
			cfg, err := config.Parse(file, []byte(text))
			require.NoError(t, err)
			first := cfg.Environments[0]

			answer, err := Render(Request{Configuration: text, Path: config.File, Account: first.Account, Region: first.Region, Release: "1.2.3", Contracts: contracts(t)})
			require.NoError(t, err)

			place := plan.PlaceOf(cfg, "", "", config.File)
			place.Images, err = plan.ImagesOf(cfg, "", "1.2.3")
			require.NoError(t, err)
			p, err := plan.New(cfg, stages.Contracts(), place)
			require.NoError(t, err)
			objects, err := argo.Objects(cfg, p, place)
			require.NoError(t, err)
			list, err := manifest.List(objects)
			require.NoError(t, err)
			template, err := infra.Template(cfg, place)
			require.NoError(t, err)
			assert.JSONEq(t, string(list), string(answer.Objects))
			assert.JSONEq(t, string(template), string(answer.Template))
		})
	}
}

func TestProblemsOfAConfigurationAreAnAnswer(t *testing.T) {
	request, err := json.Marshal(Request{Configuration: `{"version": "1.0", "environments": [{"name": "Dev"}]}`, File: "Shop/Pipeline", Account: "111111111111", Region: "eu-west-1"})
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, run(bytes.NewReader(request), &out))

	var answer Answer
	require.NoError(t, json.Unmarshal(out.Bytes(), &answer))
	var paths []string
	for _, problem := range answer.Problems {
		paths = append(paths, problem.Path)
	}
	assert.Contains(t, paths, "environments[0].name")
	assert.Contains(t, paths, "environments[0].account")
	assert.Nil(t, answer.Names)
}

func TestAKeyThatOnlyAClusterNeedsIsAProblem(t *testing.T) {
	_, err := Render(Request{Configuration: `{"version": "1.0", "environments": [{"name": "dev", "account": "111111111111", "region": "eu-west-1", "stacks": [{"name": "A*"}]}]}`})
	assert.ErrorContains(t, err, "clusterName")
	assert.NotEmpty(t, refusal(err).Problems)
}

func TestARequestThatIsNotJSONIsAnError(t *testing.T) {
	assert.ErrorContains(t, run(strings.NewReader("version: 1"), &bytes.Buffer{}), "reading the request")
}

func TestACommittedConfigurationIsComparedByWhatItDeclares(t *testing.T) {
	const declared = `{"version": "1.0", "clusterName": "c", "githubOwner": "o", "githubRepo": "r", "environments": [{"name": "dev", "account": "111111111111", "region": "eu-west-1", "stacks": [{"name": "A*"}]}]}`
	const same = `# The same pipeline.
version: "1.0"
clusterName: c
githubOwner: o
githubRepo: r
githubBranch: main # the default
environments: [{name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: A*}]}]
`
	for committed, differs := range map[string]bool{"": false, declared: false, same: false, same + "lookups: true\n": true, "version: 1": true} {
		answer, err := Render(Request{Configuration: declared, Path: config.File, Committed: committed, Contracts: contracts(t)})
		require.NoError(t, err)
		assert.Equal(t, differs, answer.Differs, committed)
	}
}
