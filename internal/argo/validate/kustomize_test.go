package validate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// TestKustomizeTakesTheOutputAsItIs has it add a label to every object.
func TestKustomizeTakesTheOutputAsItIs(t *testing.T) {
	stream := printed(t, head+environments(3, withEverything))
	files := filesys.MakeFsInMemory()
	require.NoError(t, files.WriteFile("pipeline.yaml", stream))
	require.NoError(t, files.WriteFile("kustomization.yaml", []byte("resources: [pipeline.yaml]\nlabels: [{pairs: {team: shop}}]\n")))
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, ".")
	require.NoError(t, err)
	assert.Equal(t, len(split(t, stream)), built.Size())
	for _, resource := range built.Resources() {
		assert.Equal(t, "shop", resource.GetLabels()["team"], resource.GetName())
		assert.Equal(t, "aphex-pipeline", resource.GetLabels()["app.kubernetes.io/managed-by"], resource.GetName())
	}
}
