package assembly

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/limits"
)

// MaxDocument is the largest JSON file that is read into memory, in bytes.
// CloudFormation limits templates to 1 MiB; metadata of big apps has some tens.
const MaxDocument = 128 << 20

// documents bound what is read of one assembly: the bytes of its JSON files, however
// many names lead to one of them, and the places that assets are published to.
var documents = limits.Budget{Bytes: 512 << 20, Entries: 200_000, Ratio: 1}

const outsideHint = "an assembly must contain all of its files: run cdk synth without --no-staging, and do not edit it"

// folder reads files below one directory, and rejects names with "..", absolute
// names, and symbolic links that point outside of it.
type folder struct {
	dir  string // absolute
	root *os.Root

	nested map[string]bool // folders of the nested assemblies that were read, without links
	taken  *limits.Meter   // of documents
}

func openFolder(dir string) (*folder, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(absolute)
	if err != nil {
		return nil, wrongf("pass the output folder of the CDK app, usually cdk.out", "opening the cloud assembly: %w", err)
	}
	return &folder{dir: absolute, root: root, nested: map[string]bool{}, taken: documents.Meter(math.MaxInt64)}, nil
}

// locate returns the path of a name relative to base, below the folder. It returns
// the path with fs.ErrNotExist if the file does not exist.
func (f *folder) locate(base, name string) (string, error) {
	local := filepath.Join(base, filepath.FromSlash(name))
	if filepath.IsAbs(name) {
		local, _ = filepath.Rel(f.dir, filepath.Clean(name))
	}
	switch {
	case name == "":
		return "", wrongf("synthesize the app again", "the name of a required file in the cloud assembly is empty")
	case !filepath.IsLocal(local):
		return "", wrongf(outsideHint, "%q is outside of the cloud assembly", name)
	}
	_, err := f.root.Stat(local)
	switch {
	case err == nil:
		return local, nil
	case errors.Is(err, fs.ErrNotExist):
		missing := wrongf("synthesize the app again", "%q is missing from the cloud assembly", filepath.Join(base, name))
		missing.Err = fs.ErrNotExist
		return local, missing
	default:
		return "", wrongf(outsideHint, "%q cannot be used from the cloud assembly: %w", name, err)
	}
}

// source returns the absolute path of an asset's source, and in missing the error
// if it does not exist.
func (f *folder) source(base, name string) (path string, missing, err error) {
	local, err := f.locate(base, name)
	if errors.Is(err, fs.ErrNotExist) {
		return filepath.Join(f.dir, local), err, nil
	}
	if err != nil {
		return "", nil, err
	}
	return filepath.Join(f.dir, local), nil, nil
}

// path returns the absolute path of a name relative to base.
func (f *folder) path(base, name string) (string, error) {
	local, err := f.locate(base, name)
	if err != nil {
		return "", err
	}
	return filepath.Join(f.dir, local), nil
}

// readJSON decodes the file with a name relative to base.
func (f *folder) readJSON(base, name string, into any) error {
	local, err := f.locate(base, name)
	if err != nil {
		return err
	}
	src, err := limits.ReadFileIn(f.root, local, MaxDocument)
	if err == nil {
		err = f.taken.Bytes(int64(len(src)))
	}
	switch {
	case errors.Is(err, limits.ErrExceeded), errors.Is(err, limits.ErrNotRegular):
		return wrongf("synthesize the app again", "the cloud assembly: %w", err)
	case err != nil:
		return fmt.Errorf("reading %s: %w", filepath.Join(f.dir, local), err)
	}
	if err := json.Unmarshal(src, into); err != nil {
		return wrongf("synthesize the app again", "%s: %w", local, err)
	}
	return nil
}
