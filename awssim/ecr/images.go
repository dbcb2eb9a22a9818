package ecr

import (
	"maps"
	"slices"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

const manifestType = "application/vnd.docker.distribution.manifest.v2+json"

type imageID struct {
	Digest string `json:"imageDigest,omitempty"`
	Tag    string `json:"imageTag,omitempty"`
}

// imageInput has the members of the operations on images.
type imageInput struct {
	RepositoryName         string
	RegistryID             string    `json:"registryId"`
	ImageIDs               []imageID `json:"imageIds"`
	ImageManifest          string
	ImageManifestMediaType string
	ImageTag               string
	ImageDigest            string
	LayerDigests           []string
	MaxResults             int // of a page: all are on one
}

// repository permits the call and finds the repository it names.
func (s *Store) repository(call *wire.Call, in imageInput) (Repository, error) {
	if err := permit(call, in.RegistryID, in.RepositoryName); err != nil {
		return Repository{}, err
	}
	return s.Get(call.Place(), in.RepositoryName)
}

func (s *Store) putImage(call *wire.Call, in imageInput) (any, error) {
	if _, err := s.repository(call, in); err != nil {
		return nil, err
	}
	mediaType := in.ImageManifestMediaType
	if mediaType == "" {
		mediaType = manifestType
	}
	var stored Image
	_, err := s.Change(call.Place(), in.RepositoryName, func(r *Repository) (err error) {
		image := Image{Digest: in.ImageDigest, Manifest: in.ImageManifest, MediaType: mediaType, Pushed: s.now().UTC()}
		stored, err = r.put(image, in.ImageTag)
		return err
	})
	return map[string]any{"image": map[string]any{
		"registryId": call.Caller.Account, "repositoryName": in.RepositoryName,
		"imageId": imageID{stored.Digest, in.ImageTag}, "imageManifest": stored.Manifest, "imageManifestMediaType": stored.MediaType,
	}}, err
}

func (s *Store) listImages(call *wire.Call, in imageInput) (any, error) {
	r, err := s.repository(call, in)
	if err != nil {
		return nil, err
	}
	ids := []imageID{}
	for _, digest := range slices.Sorted(maps.Keys(r.Images)) {
		tags := r.Images[digest].Tags
		if len(tags) == 0 {
			ids = append(ids, imageID{Digest: digest})
		}
		for _, tag := range tags {
			ids = append(ids, imageID{digest, tag})
		}
	}
	return map[string]any{"imageIds": ids}, nil
}

// pick finds an image by digest, tag or both.
func (r Repository) pick(id imageID) (Image, bool) {
	image, ok := r.Images[id.Digest]
	if id.Digest == "" {
		image, ok = r.tagged(id.Tag)
	}
	return image, ok && (id.Tag == "" || slices.Contains(image.Tags, id.Tag))
}

type imageDetail struct {
	RegistryID string   `json:"registryId"`
	Repository string   `json:"repositoryName"`
	Digest     string   `json:"imageDigest"`
	Tags       []string `json:"imageTags,omitempty"`
	Size       int      `json:"imageSizeInBytes"`
	Pushed     float64  `json:"imagePushedAt"`
	MediaType  string   `json:"imageManifestMediaType"`
}

func (s *Store) describeImages(call *wire.Call, in imageInput) (any, error) {
	r, err := s.repository(call, in)
	if err != nil {
		return nil, err
	}
	ids := in.ImageIDs
	if len(ids) == 0 {
		for _, digest := range slices.Sorted(maps.Keys(r.Images)) {
			ids = append(ids, imageID{Digest: digest})
		}
	}
	details := []imageDetail{}
	for _, id := range ids {
		image, ok := r.pick(id)
		if !ok {
			return nil, wire.Errorf("ImageNotFoundException", "The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name '%s' in the registry with id '%s'", id.Digest, id.Tag, r.Name, r.Account)
		}
		details = append(details, imageDetail{
			RegistryID: r.Account, Repository: r.Name, Digest: image.Digest, Tags: image.Tags, Size: len(image.Manifest),
			Pushed: seconds(image.Pushed), MediaType: image.MediaType,
		})
	}
	return map[string]any{"imageDetails": details}, nil
}

func failure(id imageID) map[string]any {
	return map[string]any{"imageId": id, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
}

func (s *Store) batchGetImage(call *wire.Call, in imageInput) (any, error) {
	r, err := s.repository(call, in)
	if err != nil {
		return nil, err
	}
	images, failures := []any{}, []any{}
	for _, id := range in.ImageIDs {
		image, ok := r.pick(id)
		if !ok {
			failures = append(failures, failure(id))
			continue
		}
		images = append(images, map[string]any{
			"registryId": r.Account, "repositoryName": r.Name, "imageId": imageID{image.Digest, id.Tag},
			"imageManifest": image.Manifest, "imageManifestMediaType": image.MediaType,
		})
	}
	return map[string]any{"images": images, "failures": failures}, nil
}

func (s *Store) batchDeleteImage(call *wire.Call, in imageInput) (any, error) {
	if _, err := s.repository(call, in); err != nil {
		return nil, err
	}
	gone, failures := []imageID{}, []any{}
	_, err := s.Change(call.Place(), in.RepositoryName, func(r *Repository) error {
		for _, id := range in.ImageIDs {
			image, ok := r.pick(id)
			if !ok {
				failures = append(failures, failure(id))
				continue
			}
			image.Tags = slices.DeleteFunc(image.Tags, func(tag string) bool { return tag == id.Tag })
			r.Images[image.Digest] = image
			if id.Tag == "" || len(image.Tags) == 0 {
				delete(r.Images, image.Digest)
			}
			gone = append(gone, imageID{image.Digest, id.Tag})
		}
		return nil
	})
	return map[string]any{"imageIds": gone, "failures": failures}, err
}

// batchCheckLayerAvailability has every layer: layers are not kept.
func (s *Store) batchCheckLayerAvailability(call *wire.Call, in imageInput) (any, error) {
	if _, err := s.repository(call, in); err != nil {
		return nil, err
	}
	layers := []any{}
	for _, digest := range in.LayerDigests {
		layers = append(layers, map[string]any{"layerDigest": digest, "layerAvailability": "AVAILABLE"})
	}
	return map[string]any{"layers": layers, "failures": []any{}}, nil
}
