package assets_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/remote/remotetest"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
)

func TestAnAssetThatACommandOfAnotherContainerMakesIsUploaded(t *testing.T) {
	t.Parallel()
	s, runner := newStub(t), remotetest.Start(t)
	p := assets.New(assets.Options{Runner: runner, Temp: t.TempDir(), Env: runner.Environ()})
	made := runner.Place(filepath.Join(os.TempDir(), "made.zip"))
	list := &assembly.AssetManifest{Root: t.TempDir(), Files: []assembly.FileAsset{
		{ID: "m", Command: []string{"sh", "-c", "mkdir -p " + filepath.Dir(made) + " && echo zip > " + made + " && echo " + made}, Destinations: destination("m.zip")},
	}}
	require.NoError(t, p.Publish(t.Context(), list, s.place()))
	assert.Equal(t, "zip\n", string(s.bodies["/assets-111111111111-eu-west-1/m.zip"]))
	assert.Equal(t, "application/zip", s.objects["/assets-111111111111-eu-west-1/m.zip"].Get("Content-Type"))
	require.ErrorContains(t, p.Publish(t.Context(), &assembly.AssetManifest{Root: list.Root, Files: []assembly.FileAsset{
		{ID: "n", Command: []string{"echo", made + ".none"}, Destinations: destination("n.zip")},
	}}, s.place()), "made.zip.none")
}
