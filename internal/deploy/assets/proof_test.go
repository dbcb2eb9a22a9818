package assets_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// sources are assets that end under one key: a file, a folder, and the output of a command.
func sources(t *testing.T, root, text string) map[string]*assembly.AssetManifest {
	file := write(t, filepath.Join(root, text, "file.json"), text)
	made := write(t, filepath.Join(root, text+".zip"), text)
	list := map[string]*assembly.AssetManifest{}
	for name, asset := range map[string]assembly.FileAsset{
		"a file":    {Path: file},
		"a folder":  {Path: filepath.Dir(file), Zip: true},
		"a command": {Command: []string{"sh", "-c", "echo " + made}},
	} {
		asset.ID, asset.Name, asset.Destinations = text, name, destination("known-ahead")
		list[name] = &assembly.AssetManifest{Root: root, Files: []assembly.FileAsset{asset}}
	}
	return list
}

const knownAhead = "/assets-111111111111-eu-west-1/known-ahead"

// An earlier commit of the environment publishes what it likes under the key that a
// later commit will have, so that the later one finds it there.
func TestWhatAnEarlierCommitPublishedUnderTheKeyOfALaterOneIsNotUsed(t *testing.T) {
	root := t.TempDir()
	own := sources(t, root, "expected")
	for attack, evil := range sources(t, root, "malicious") {
		for name, list := range own {
			t.Run(attack+" for "+name, func(t *testing.T) {
				s := newStub(t)
				require.NoError(t, publisher(t).Publish(t.Context(), list, s.place()))
				expected := s.bodies[knownAhead]

				s = newStub(t)
				require.NoError(t, publisher(t).Publish(t.Context(), evil, s.place()))
				require.NotEqual(t, expected, s.bodies[knownAhead])
				plan := assets.New(assets.Options{Runner: proc.Runner{}, Temp: t.TempDir(), Env: os.Environ(), Keep: true})
				err := plan.Publish(t.Context(), list, s.place())
				require.ErrorContains(t, err, "s3://assets-111111111111-eu-west-1/known-ahead is not what the asset "+name+" would be")
				assert.Equal(t, errs.Failed, errs.KindOf(err))
				assert.Equal(t, 1, s.calls["put"], "a plan would have to restore what it replaced")

				require.NoError(t, publisher(t).Publish(t.Context(), list, s.place()))
				assert.Equal(t, expected, s.bodies[knownAhead])
				require.NoError(t, publisher(t).Publish(t.Context(), list, s.place()))
				assert.Equal(t, 2, s.calls["put"], "what was published from the same source is not published again")
				assert.Equal(t, 3, s.calls["head"], "one call for an asset that is found, none for a new one")
			})
		}
	}
}

// The CDK CLI writes no metadata of ours, and its archives differ.
func TestWhatTheCDKCLIPublishedIsNotUploadedAgainOrOnce(t *testing.T) {
	own := sources(t, t.TempDir(), "expected")
	sum := sha256.Sum256([]byte("expected"))
	for name, c := range map[string]struct {
		header  http.Header
		body    string
		uploads int
	}{
		"a file":   {http.Header{"X-Amz-Checksum-Sha256": {base64.StdEncoding.EncodeToString(sum[:])}}, "expected", 0},
		"a folder": {http.Header{"X-Amz-Checksum-Sha256": {"AA=="}}, "an archive of the CLI", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStub(t)
			s.objects[knownAhead], s.bodies[knownAhead] = c.header, []byte(c.body)
			for range 3 {
				require.NoError(t, publisher(t).Publish(t.Context(), own[name], s.place()))
			}
			assert.Equal(t, c.uploads, s.calls["put"])
			assert.Zero(t, s.calls["get"])
		})
	}
}

// The digest of a folder is of all that its archive holds that is the same on every machine.
func TestFoldersWithTheSameDigestHaveTheSameFiles(t *testing.T) {
	list := func(t *testing.T, files map[string]string, mode os.FileMode) *assembly.AssetManifest {
		root := t.TempDir()
		for name, text := range files {
			require.NoError(t, os.Chmod(write(t, filepath.Join(root, "code", name), text), mode))
		}
		return &assembly.AssetManifest{Root: root, Files: []assembly.FileAsset{{
			ID: "code", Path: filepath.Join(root, "code"), Zip: true, Destinations: destination("known-ahead"),
		}}}
	}
	s := newStub(t)
	original := map[string]string{"a.js": "1", "lib/b.js": "2"}
	require.NoError(t, publisher(t).Publish(t.Context(), list(t, original, 0o644), s.place()))
	require.NoError(t, publisher(t).Publish(t.Context(), list(t, original, 0o600), s.place()))
	assert.Equal(t, 1, s.calls["put"], "another umask")
	for i, other := range []*assembly.AssetManifest{
		list(t, map[string]string{"a.js": "1", "lib/b.js": "3"}, 0o644),
		list(t, map[string]string{"a.js": "1", "lib/c.js": "2"}, 0o644),
		list(t, map[string]string{"a.js": "1", "lib/b.js": "2", "more": ""}, 0o644),
		list(t, map[string]string{"a.js": "12", "lib/b.js": ""}, 0o644),
		list(t, original, 0o755),
	} {
		require.NoError(t, publisher(t).Publish(t.Context(), other, s.place()))
		assert.Equal(t, i+2, s.calls["put"])
		_, err := zip.NewReader(bytes.NewReader(s.bodies[knownAhead]), int64(len(s.bodies[knownAhead])))
		require.NoError(t, err)
	}
}
