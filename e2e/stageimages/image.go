package stageimages

import (
	"encoding/json"
	"fmt"
	"time"
)

// descriptor is a reference to a part of an OCI layout.
type descriptor struct {
	Digest      string
	Size        int64 // compressed, in bytes
	Annotations map[string]string
	Platform    struct{ OS, Architecture string }
}

// list is the part of an OCI index or manifest that is read.
type list struct {
	Manifests, Layers []descriptor
	Config            descriptor
}

// config is the configuration of an image.
type config struct {
	Architecture string
	Created      time.Time
	Config       struct {
		User, WorkingDir     string
		Env, Entrypoint, Cmd []string
		Labels               map[string]string
	}
}

// image is the image of one platform in an archive.
type image struct {
	archive    *archive
	Stage      string // validator, builder, deployer, tester or generator
	Platform   string // such as linux/amd64
	Names      []string
	Digest     string // of the manifest: the same for the same configuration and layers
	Config     config
	Layers     []descriptor
	Statements []descriptor // its attestations
}

// compressed returns the size of a pull, in bytes.
func (i image) compressed() (size int64) {
	for _, layer := range i.Layers {
		size += layer.Size
	}
	return size
}

// Predicates of attestations, as the annotation of their descriptor names them.
const (
	predicate  = "in-toto.io/predicate-type"
	provenance = "https://slsa.dev/provenance/v1"
	spdx       = "https://spdx.dev/Document"
)

// images returns the images of an archive.
func (a *archive) images(stage string) ([]image, error) {
	content, err := a.open("index.json")
	if err != nil {
		return nil, err
	}
	var top, platforms list
	if err := json.NewDecoder(content).Decode(&top); err != nil || len(top.Manifests) == 0 {
		return nil, fmt.Errorf("the archive of %s names no image: %w", stage, err)
	}
	var names []string
	for _, manifest := range top.Manifests {
		names = append(names, manifest.Annotations["io.containerd.image.name"])
	}
	if err := a.decode(top.Manifests[0].Digest, &platforms); err != nil {
		return nil, err
	}
	attested := map[string][]descriptor{}
	var found []image
	for _, manifest := range platforms.Manifests {
		var parts list
		if err := a.decode(manifest.Digest, &parts); err != nil {
			return nil, err
		}
		if of := manifest.Annotations["vnd.docker.reference.digest"]; of != "" {
			attested[of] = parts.Layers
			continue
		}
		i := image{archive: a, Stage: stage, Names: names, Digest: manifest.Digest, Layers: parts.Layers}
		i.Platform = manifest.Platform.OS + "/" + manifest.Platform.Architecture
		if err := a.decode(parts.Config.Digest, &i.Config); err != nil {
			return nil, err
		}
		found = append(found, i)
	}
	for n := range found {
		found[n].Statements = attested[found[n].Digest]
	}
	return found, nil
}
