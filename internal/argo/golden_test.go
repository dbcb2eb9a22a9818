package argo_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/localrun"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/stages"
)

var update = flag.Bool("update", false, "write the golden files")

// rendered returns the objects of a golden configuration with the current stages.
func rendered(t *testing.T, dir string) []manifest.Object {
	t.Helper()
	cfg, err := config.Load(filepath.Join(dir, config.File))
	require.NoError(t, err)
	first := cfg.Environments[0]
	at := plan.Place{Account: first.Account, Region: first.Region, Bucket: cfg.ArtifactBucketName, Config: config.File}
	if at.Bucket == "" {
		at.Bucket = "aphex-pipeline-artifacts-" + at.Account + "-" + at.Region
	}
	p, err := plan.New(cfg, stages.Contracts(), at)
	require.NoError(t, err)
	objects, err := argo.Objects(cfg, p, at)
	require.NoError(t, err)
	return objects
}

func goldenCases(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/golden/*/" + config.File)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 12)
	var dirs []string
	for _, file := range files {
		dirs = append(dirs, filepath.Dir(file))
	}
	return dirs
}

func TestConfigurationsRenderTheirGoldenObjects(t *testing.T) {
	for _, dir := range goldenCases(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			got := abridged(manifest.Stream(rendered(t, dir)))
			file := filepath.Join(dir, "objects.yaml")
			if *update {
				require.NoError(t, os.WriteFile(file, got, 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got), "run `make golden`, and review the difference")
		})
	}
}

var middleVersions = regexp.MustCompile(`(?m)(^ *- [a-z0-9-]+-00\n)(?:^ *- [a-z0-9-]+-[0-9a-f]{2}\n){254}`)

// abridged keeps the first and the last of the 256 names in a Role.
func abridged(stream []byte) []byte { return middleVersions.ReplaceAll(stream, []byte("$1")) }

func TestTheLocalRunSupportsEveryGoldenTemplate(t *testing.T) {
	for _, dir := range goldenCases(t) {
		_, err := localrun.Parse(find(t, rendered(t, dir), "WorkflowTemplate").YAML)
		assert.NoError(t, err, dir)
	}
}
