package assembly

import (
	"fmt"
	"path/filepath"
)

// AssetManifest lists the files and images to publish before a stack is deployed.
// Stacks may share one.
type AssetManifest struct {
	ID        string // artifact id, such as "ApiStack.assets"
	Dir       string // absolute path of the working folder of its commands
	Root      string // absolute path of the outermost assembly, which has all its files
	Bootstrap Bootstrap
	After     []string // ids of the artifacts, such as stacks, that must be deployed before its assets are built
	Files     []FileAsset
	Images    []ImageAsset

	err error // why it cannot be used
}

// FileAsset is one file or folder for S3. Either Path or Command is set.
type FileAsset struct {
	ID           string   // hash of the content
	Name         string   // display name
	Path         string   // absolute path of the file, or of the folder if Zip
	Missing      error    // error for a missing Path; matters only if the asset must be built
	Zip          bool     // pack the folder
	Command      []string // prints the path of the file to upload, a zip archive
	Destinations []FileDestination
}

// FileDestination is one object to write. Strings may have placeholders.
type FileDestination struct {
	ID     string
	Bucket string
	Key    string
	Region string // empty is the region of the stack
	Role   Role   // assumed to publish; its ARN may be empty
}

// ImageAsset is one container image for ECR. Either Build or Command is set.
type ImageAsset struct {
	ID           string // hash of the content
	Name         string // display name
	Build        *ImageBuild
	Missing      error    // error for a missing build folder; matters only if the image must be built
	Command      []string // prints the name of the local image
	Destinations []ImageDestination
}

// ImageBuild is how the image is built; fields are options of `docker build`.
type ImageBuild struct {
	Dir           string // absolute path of the build folder
	File          string // Dockerfile below Dir; empty is the default
	Target        string
	Args          map[string]string
	Contexts      map[string]string
	Secrets       map[string]string
	SSH           string
	Network       string
	Platform      string
	Outputs       []string
	CacheFrom     []CacheOption
	CacheTo       *CacheOption
	CacheDisabled bool
}

// CacheOption is one cache of `docker build`.
type CacheOption struct {
	Type   string            `json:"type"`
	Params map[string]string `json:"params"`
}

// ImageDestination is one tag to push. Strings may have placeholders.
type ImageDestination struct {
	ID         string
	Repository string
	Tag        string
	Region     string // empty is the region of the stack
	Role       Role   // assumed to publish; its ARN may be empty
	Make       bool   // create the repository if it does not exist
}

type assetsDocument struct {
	Version string              `json:"version"`
	Files   ordered[fileEntry]  `json:"files"`
	Images  ordered[imageEntry] `json:"dockerImages"`
}

type fileEntry struct {
	Name   string `json:"displayName"`
	Source struct {
		Path      string   `json:"path"`
		Packaging string   `json:"packaging"`
		Command   []string `json:"executable"`
	} `json:"source"`
	Destinations ordered[struct {
		Bucket string `json:"bucketName"`
		Key    string `json:"objectKey"`
		Region string `json:"region"`
		assumeRole
	}] `json:"destinations"`
}

type imageEntry struct {
	Name   string `json:"displayName"`
	Source struct {
		Directory string            `json:"directory"`
		Command   []string          `json:"executable"`
		File      string            `json:"dockerFile"`
		Target    string            `json:"dockerBuildTarget"`
		Args      map[string]string `json:"dockerBuildArgs"`
		Contexts  map[string]string `json:"dockerBuildContexts"`
		Secrets   map[string]string `json:"dockerBuildSecrets"`
		SSH       string            `json:"dockerBuildSsh"`
		Outputs   []string          `json:"dockerOutputs"`
		buildSettings
	} `json:"source"`
	Destinations ordered[struct {
		Repository string `json:"repositoryName"`
		Tag        string `json:"imageTag"`
		Region     string `json:"region"`
		assumeRole
	}] `json:"destinations"`
}

// buildSettings are the settings of a build that asset manifests and legacy assets name alike.
type buildSettings struct {
	Network   string        `json:"networkMode"`
	Platform  string        `json:"platform"`
	CacheFrom []CacheOption `json:"cacheFrom"`
	CacheTo   *CacheOption  `json:"cacheTo"`
	NoCache   bool          `json:"cacheDisabled"`
}

// readAssets reads the asset manifest with a name relative to base.
func (f *folder) readAssets(base, id, name string) (*AssetManifest, error) {
	var doc assetsDocument
	if err := f.readJSON(base, name, &doc); err != nil {
		return nil, err
	}
	if err := checkVersion(doc.Version, ""); err != nil {
		return nil, err
	}
	base = filepath.Join(base, filepath.Dir(filepath.FromSlash(name)))
	list := &AssetManifest{ID: id, Dir: filepath.Join(f.dir, base), Root: f.dir}
	for _, key := range doc.Files.keys {
		asset, err := f.file(base, key, doc.Files.values[key])
		if err != nil {
			return nil, err
		}
		list.Files = append(list.Files, asset)
	}
	for _, key := range doc.Images.keys {
		asset, err := f.image(base, key, doc.Images.values[key])
		if err != nil {
			return nil, err
		}
		list.Images = append(list.Images, asset)
	}
	return list, nil
}

func (f *folder) file(base, id string, entry fileEntry) (FileAsset, error) {
	asset := FileAsset{ID: id, Name: orElse(entry.Name, id), Command: entry.Source.Command}
	switch entry.Source.Packaging {
	case "", "file":
	case "zip":
		asset.Zip = true
	default:
		return asset, wrongf("", "asset %q: unknown packaging %q", asset.Name, entry.Source.Packaging)
	}
	if err := f.taken.Entries(len(entry.Destinations.keys)); err != nil {
		return asset, wrongf("", "the assets of the cloud assembly: %w", err)
	}
	if (entry.Source.Path == "") == (len(asset.Command) == 0) {
		return asset, wrongf("", "asset %q needs either a path or a command", asset.Name)
	}
	for _, key := range entry.Destinations.keys {
		to := entry.Destinations.values[key]
		if to.Bucket == "" || to.Key == "" {
			return asset, wrongf("", "asset %q: destination %q has no bucket or no key", asset.Name, key)
		}
		asset.Destinations = append(asset.Destinations, FileDestination{ID: key, Bucket: to.Bucket, Key: to.Key, Region: to.Region, Role: to.role()})
	}
	if entry.Source.Path == "" {
		return asset, nil
	}
	var err error
	if asset.Path, asset.Missing, err = f.source(base, entry.Source.Path); err != nil {
		return asset, fmt.Errorf("asset %q: %w", asset.Name, err)
	}
	return asset, nil
}

func (f *folder) image(base, id string, entry imageEntry) (ImageAsset, error) {
	src := entry.Source
	asset := ImageAsset{ID: id, Name: orElse(entry.Name, id), Command: src.Command}
	if err := f.taken.Entries(len(entry.Destinations.keys)); err != nil {
		return asset, wrongf("", "the assets of the cloud assembly: %w", err)
	}
	if (src.Directory == "") == (len(src.Command) == 0) {
		return asset, wrongf("", "image %q needs either a directory or a command", asset.Name)
	}
	for _, key := range entry.Destinations.keys {
		to := entry.Destinations.values[key]
		if to.Repository == "" || to.Tag == "" {
			return asset, wrongf("", "image %q: destination %q has no repository or no tag", asset.Name, key)
		}
		asset.Destinations = append(asset.Destinations, ImageDestination{ID: key, Repository: to.Repository, Tag: to.Tag, Region: to.Region, Role: to.role()})
	}
	if src.Directory == "" {
		return asset, nil
	}
	dir, missing, err := f.source(base, src.Directory)
	if err != nil {
		return asset, fmt.Errorf("image %q: %w", asset.Name, err)
	}
	asset.Missing = missing
	if src.File != "" && !filepath.IsLocal(filepath.FromSlash(src.File)) {
		return asset, wrongf(outsideHint, "image %q: Dockerfile %q is outside of its build folder", asset.Name, src.File)
	}
	asset.Build = &ImageBuild{
		Dir: dir, File: src.File, Target: src.Target, Args: src.Args, Contexts: src.Contexts, Secrets: src.Secrets,
		SSH: src.SSH, Network: src.Network, Platform: src.Platform, Outputs: src.Outputs,
		CacheFrom: src.CacheFrom, CacheTo: src.CacheTo, CacheDisabled: src.NoCache,
	}
	return asset, nil
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
