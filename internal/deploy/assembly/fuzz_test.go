package assembly_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
)

// inside fails when a path that a reader gave leads out of the folder.
func inside(t *testing.T, dir, path string) {
	if path != "" && path != dir && !strings.HasPrefix(path, dir+"/") {
		t.Errorf("%q leads out of the assembly", path)
	}
}

func readMutated(t *testing.T, manifest, assets []byte) {
	dir := t.TempDir()
	for name, src := range map[string][]byte{"manifest.json": manifest, "Web.assets.json": assets, "Data.template.json": []byte("{}"), "Web.template.json": []byte("{}")} {
		if err := os.WriteFile(filepath.Join(dir, name), src, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := assembly.Read(dir)
	if err != nil {
		return
	}
	for _, s := range a.Stacks {
		inside(t, dir, s.Template)
		for _, list := range s.Assets {
			for _, file := range list.Files {
				inside(t, dir, file.Path)
			}
			for _, image := range list.Images {
				if image.Build != nil {
					inside(t, dir, image.Build.Dir)
				}
			}
		}
	}
}

func seed(f *testing.F, name string) []byte {
	src, err := os.ReadFile(filepath.Join(golden, name))
	if err != nil {
		f.Fatal(err)
	}
	return src
}

func FuzzManifest(f *testing.F) {
	f.Add(seed(f, "manifest.json"))
	f.Add([]byte(`{"version":"55.0.0","artifacts":{"x":{"type":"cdk:cloud-assembly","properties":{"directoryName":"a/.."}}}}`))
	assets := seed(f, "Web.assets.json")
	f.Fuzz(func(t *testing.T, src []byte) { readMutated(t, src, assets) })
}

func FuzzAssets(f *testing.F) {
	f.Add(seed(f, "Web.assets.json"))
	manifest := []byte(`{"version":"55.0.0","artifacts":{"A":{"type":"cdk:asset-manifest","properties":{"file":"Web.assets.json"}},` +
		`"W":{"type":"aws:cloudformation:stack","environment":"aws://1/b","dependencies":["A"],"properties":{"templateFile":"Web.template.json"}}}}`)
	f.Fuzz(func(t *testing.T, src []byte) { readMutated(t, manifest, src) })
}
