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

// folderFor makes a folder that holds an assembly but for one file.
func folderFor(f *testing.F, files map[string][]byte) string {
	dir := f.TempDir()
	for name, src := range files {
		if err := os.WriteFile(filepath.Join(dir, name), src, 0o600); err != nil {
			f.Fatal(err)
		}
	}
	return dir
}

// readMutated reads the assembly in dir with another file.
func readMutated(t *testing.T, dir, name string, src []byte) {
	if err := os.WriteFile(filepath.Join(dir, name), src, 0o600); err != nil {
		t.Fatal(err)
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

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"version":"55.0.0","artifacts":{"A":{"type":"cdk:asset-manifest","properties":{"file":"Web.assets.json"}},` +
		`"W":{"type":"aws:cloudformation:stack","environment":"aws://111111111111/eu-west-1","dependencies":["A"],"properties":{"templateFile":"Web.template.json"}}}}`))
	f.Add([]byte(`{"version":"55.0.0","artifacts":{"x":{"type":"cdk:cloud-assembly","properties":{"directoryName":"a/.."}}}}`))
	dir := folderFor(f, map[string][]byte{"Web.assets.json": []byte(smallAssets), "Data.template.json": []byte("{}"), "Web.template.json": []byte("{}")})
	f.Fuzz(func(t *testing.T, src []byte) { readMutated(t, dir, "manifest.json", src) })
}

// smallAssets is an asset manifest with everything that one may have; seeds are small, as
// each is mutated and minimized as a whole.
const smallAssets = `{"version":"55.0.0","files":{"a":{"source":{"path":"Web.template.json","packaging":"file"},"destinations":{"d":{"bucketName":"b",` +
	`"objectKey":"k","region":"eu-west-1","assumeRoleArn":"arn:aws:iam::111111111111:role/r"}}}},"dockerImages":{"i":{"source":{"directory":".",` +
	`"dockerBuildArgs":{"A":"b"}},"destinations":{"d":{"repositoryName":"r","imageTag":"t"}}}}}`

func FuzzAssets(f *testing.F) {
	f.Add([]byte(smallAssets))
	f.Add([]byte(`{"version":"55.0.0","files":{"a":{"source":{"executable":["x"]},"destinations":{}}}}`))
	manifest := []byte(`{"version":"55.0.0","artifacts":{"A":{"type":"cdk:asset-manifest","properties":{"file":"Web.assets.json"}},` +
		`"W":{"type":"aws:cloudformation:stack","environment":"aws://1/b","dependencies":["A"],"properties":{"templateFile":"Web.template.json"}}}}`)
	dir := folderFor(f, map[string][]byte{"manifest.json": manifest, "Web.template.json": []byte("{}")})
	f.Fuzz(func(t *testing.T, src []byte) { readMutated(t, dir, "Web.assets.json", src) })
}
