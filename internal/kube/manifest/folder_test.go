package manifest_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

func object(kind, name, extra string) manifest.Object {
	return manifest.Object{
		Kind: kind, Namespace: "argo", Name: name,
		YAML: []byte("kind: " + kind + "\nmetadata:\n  name: " + name + "\n  namespace: argo\n" + extra),
	}
}

func apply(t *testing.T, folder manifest.Folder, objects ...manifest.Object) map[string]manifest.Action {
	t.Helper()
	changes, err := folder.Apply(context.Background(), objects)
	require.NoError(t, err)
	actions := map[string]manifest.Action{}
	for _, change := range changes {
		actions[change.Object] = change.Action
	}
	return actions
}

func TestApplyMakesTheFolderContainExactlyTheObjects(t *testing.T) {
	folder := manifest.Folder(filepath.Join(t.TempDir(), "objects"))
	shop, sensor := object("WorkflowTemplate", "shop", ""), object("Sensor", "shop", "")

	assert.Equal(t, map[string]manifest.Action{"workflowtemplate/shop": "created", "sensor/shop": "created"}, apply(t, folder, shop, sensor))
	assert.Equal(t, map[string]manifest.Action{"workflowtemplate/shop": "unchanged", "sensor/shop": "unchanged"}, apply(t, folder, shop, sensor))

	shop = object("WorkflowTemplate", "shop", "spec: {}\n")
	assert.Equal(t, map[string]manifest.Action{"workflowtemplate/shop": "changed", "sensor/shop": "removed"}, apply(t, folder, shop))

	held, err := folder.Objects()
	require.NoError(t, err)
	assert.Equal(t, []manifest.Object{shop}, held)
}

func TestAMissingFolderHasNoObjects(t *testing.T) {
	held, err := manifest.Folder(filepath.Join(t.TempDir(), "none")).Objects()
	require.NoError(t, err)
	assert.Empty(t, held)
}

func TestAFileWithoutAnObjectIsNamed(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.yaml"), []byte("a: b\n"), 0o600))
	_, err := manifest.Folder(dir).Objects()
	assert.ErrorContains(t, err, "notes.yaml")
}

func TestAStreamSeparatesItsDocuments(t *testing.T) {
	got := manifest.Stream([]manifest.Object{{YAML: []byte("a: 1\n")}, {YAML: []byte("b: 2\n")}})
	assert.Equal(t, "a: 1\n---\nb: 2\n", string(got))
}
