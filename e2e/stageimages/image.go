package stageimages

import (
	"encoding/json"
	"fmt"
	"time"
)

// descriptor is how an OCI layout points at a part of itself.
type descriptor struct {
	Digest      string
	Size        int64 // compressed, in bytes
	Annotations map[string]string
	Platform    struct{ OS, Architecture string }
}

// list is an OCI index or manifest, as far as it is read here.
type list struct {
	Manifests, Layers []descriptor
	Config            descriptor
}

// config is what an image says of itself.
type config struct {
	Architecture string
	Created      time.Time
	Config       struct {
		User, WorkingDir     string
		Env, Entrypoint, Cmd []string
		Labels               map[string]string
	}
}

// image is one of an archive: that of one platform.
type image struct {
	archive    *archive
	Stage      string // validator, builder, deployer or tester
	Platform   string // such as linux/amd64
	Names      []string
	Digest     string // of the manifest: the same for the same configuration and layers
	Config     config
	Layers     []descriptor
	Statements []descriptor // what is attested of it
}

// compressed is how much is pulled, in bytes.
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

// images reads what an archive says of its images.
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
