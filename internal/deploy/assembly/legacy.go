package assembly

import (
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// LegacyAsset is an asset of the legacy stack synthesizer. It goes to the bucket
// of the bootstrap stack, or to its own repository; the stack has parameters for
// the location.
type LegacyAsset struct {
	file  *FileAsset
	image *ImageAsset
	entry legacyEntry
}

// legacyEntry is the metadata "aws:cdk:asset".
type legacyEntry struct {
	ID         string            `json:"id"`
	Packaging  string            `json:"packaging"` // file, zip or container-image
	Path       string            `json:"path"`
	Hash       string            `json:"sourceHash"`
	BucketKey  string            `json:"s3BucketParameter"` // this and the following: names of parameters
	ObjectKey  string            `json:"s3KeyParameter"`
	HashKey    string            `json:"artifactHashParameter"`
	ImageKey   string            `json:"imageNameParameter"`
	Repository string            `json:"repositoryName"`
	Tag        string            `json:"imageTag"`
	Target     string            `json:"target"`
	File       string            `json:"file"`
	Args       map[string]string `json:"buildArgs"`
	Secrets    map[string]string `json:"buildSecrets"`
	SSH        string            `json:"buildSsh"`
	Outputs    []string          `json:"outputs"`
	buildSettings
}

// keySeparator separates the prefix and the name in the parameter of a key.
const keySeparator = "||"

func (f *folder) legacyAsset(base string, data json.RawMessage) (LegacyAsset, error) {
	var e legacyEntry
	if err := json.Unmarshal(data, &e); err != nil {
		return LegacyAsset{}, wrongf("synthesize the app again", "%w", err)
	}
	switch e.Packaging {
	case "file", "zip":
		entry := fileEntry{Name: e.ID}
		entry.Source.Path, entry.Source.Packaging = e.Path, e.Packaging
		asset, err := f.file(base, e.Hash, entry)
		return LegacyAsset{file: &asset, entry: e}, err
	case "container-image":
		if e.ImageKey == "" && (e.Repository == "" || e.Tag == "") {
			return LegacyAsset{}, wrongf("", "image %q has neither repository and tag nor a parameter for them", e.ID)
		}
		entry := imageEntry{Name: e.ID}
		src := &entry.Source
		src.Directory, src.File, src.Target, src.Args, src.Secrets, src.SSH = e.Path, e.File, e.Target, e.Args, e.Secrets, e.SSH
		src.Outputs, src.buildSettings = e.Outputs, e.buildSettings
		asset, err := f.image(base, e.Hash, entry)
		return LegacyAsset{image: &asset, entry: e}, err
	}
	return LegacyAsset{}, wrongf("use a newer release of this program", "unknown packaging %q of asset %q", e.Packaging, e.ID)
}

// LegacyAssets returns the stack's legacy assets to publish to a bucket and a
// registry, such as "111111111111.dkr.ecr.eu-west-1.amazonaws.com", and the
// parameters with their locations.
func (s Stack) LegacyAssets(dir, bucket, registry string) (*AssetManifest, map[string]string) {
	list, parameters := &AssetManifest{ID: s.ID + ".legacy-assets", Dir: dir, Root: dir}, map[string]string{}
	set := func(name, value string) {
		if name != "" {
			parameters[name] = value
		}
	}
	for _, asset := range s.Legacy {
		e := asset.entry
		if asset.image != nil {
			image, to := *asset.image, ImageDestination{Repository: e.repository(), Tag: orElse(e.Tag, e.Hash), Make: true}
			image.Destinations = []ImageDestination{to}
			list.Images = append(list.Images, image)
			set(e.ImageKey, fmt.Sprintf("%s/%s:%s", registry, to.Repository, to.Tag))
			continue
		}
		folder, name := e.key()
		file := *asset.file
		file.Destinations = []FileDestination{{Bucket: bucket, Key: folder + name}}
		list.Files = append(list.Files, file)
		set(e.BucketKey, bucket)
		set(e.ObjectKey, folder+keySeparator+name)
		set(e.HashKey, e.Hash)
	}
	return list, parameters
}

// key returns the prefix and the name of the object's key.
func (e legacyEntry) key() (folder, name string) {
	extension := path.Ext(filepath.ToSlash(e.Path))
	if e.Packaging == "zip" {
		extension = ".zip"
	}
	folder = "assets/"
	if e.ID != e.Hash {
		folder += e.ID + "/"
	}
	return folder, e.Hash + extension
}

var repositoryName = strings.NewReplacer(":", "-", "/", "-")

func (e legacyEntry) repository() string {
	return orElse(e.Repository, "cdk/"+strings.ToLower(repositoryName.Replace(e.ID)))
}
