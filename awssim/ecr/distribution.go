package ecr

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	ocidist "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// maxManifest is the size of manifests that ECR takes.
const maxManifest = 4 << 20

// Distribution is the registry to which docker logs in and pushes: the OCI
// distribution protocol under /v2/<account>/<region>/<repository>. Manifests
// and tags are the store's; layers are files.
//
// A login is any token of GetAuthorizationToken. It grants access to the
// repositories of all accounts, as docker keeps one login for each host, and
// all accounts share this one.
type Distribution struct {
	store   *Store
	blobs   http.Handler
	layers  ocidist.BlobStatHandler
	changed func() // called after a push
}

// Distribution serves the store's images, with their layers in a folder.
func (s *Store) Distribution(dir string, changed func()) (*Distribution, error) {
	if err := os.MkdirAll(filepath.Clean(dir), 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of image layers: %w", err)
	}
	files := ocidist.NewDiskBlobHandler(dir)
	return &Distribution{
		store: s, changed: changed, layers: files.(ocidist.BlobStatHandler), //nolint:forcetypeassert // the library's own handler
		blobs: ocidist.New(ocidist.WithBlobHandler(files), ocidist.Logger(log.New(io.Discard, "", 0))),
	}, nil
}

// Serves reports whether a request is one of the registry's protocol.
func (*Distribution) Serves(r *http.Request) bool {
	return r.URL.Path == "/v2" || strings.HasPrefix(r.URL.Path, "/v2/")
}

// ServeHTTP answers one request of docker or of another client.
func (d *Distribution) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
	if user, password, ok := r.BasicAuth(); !ok || user != "AWS" || !d.store.issued(password) {
		w.Header().Set("WWW-Authenticate", `Basic realm="the AWS simulator",service="ecr"`)
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "log in with the token of ecr:GetAuthorizationToken")
		return
	}
	if strings.Trim(r.URL.Path, "/") == "v2" {
		w.WriteHeader(http.StatusOK)
		return
	}
	at, ok := parsePath(r.URL.Path)
	if !ok {
		refuse(w, http.StatusNotFound, "NAME_UNKNOWN", "a repository's path is /v2/<account>/<region>/<repository>")
		return
	}
	repository, err := d.store.Get(at.place, at.repository)
	switch {
	case err != nil:
		refuse(w, http.StatusNotFound, "NAME_UNKNOWN", wire.JSON.Spoken(err).Message)
	case at.kind == "manifests":
		d.serveManifest(w, r, at, repository)
	case at.kind == "blobs":
		d.blobs.ServeHTTP(w, r)
	default:
		refuse(w, http.StatusNotImplemented, "UNSUPPORTED", "the simulator's registry does not support "+r.Method+" "+r.URL.Path)
	}
}

// location is what a path of the protocol speaks of.
type location struct {
	place, repository string
	kind              string // manifests, blobs, …
	reference         string // a tag or a digest
}

func parsePath(path string) (location, bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/") // v2 account region name… kind reference
	for i, part := range parts {
		if i > 3 && slices.Contains([]string{"manifests", "blobs", "tags", "referrers"}, part) && i < len(parts)-1 {
			return location{
				place: wire.Place(parts[1], parts[2]), repository: strings.Join(parts[3:i], "/"),
				kind: part, reference: parts[i+1],
			}, true
		}
	}
	return location{}, false
}

func (d *Distribution) serveManifest(w http.ResponseWriter, r *http.Request, at location, repository Repository) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		id := imageID{Tag: at.reference}
		if strings.Contains(at.reference, ":") {
			id = imageID{Digest: at.reference}
		}
		image, ok := repository.pick(id)
		if !ok {
			refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "Requested image not found")
			return
		}
		w.Header().Set("Content-Type", image.MediaType)
		w.Header().Set("Docker-Content-Digest", image.Digest)
		w.Header().Set("Content-Length", fmt.Sprint(len(image.Manifest)))
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, image.Manifest) // a client that went away is its own problem
		}
	case http.MethodPut:
		image, err := d.push(r, at, repository)
		if err != nil {
			refuse(w, http.StatusBadRequest, "MANIFEST_INVALID", wire.JSON.Spoken(err).Message)
			return
		}
		d.changed()
		w.Header().Set("Docker-Content-Digest", image.Digest)
		w.Header().Set("Location", r.URL.Path)
		w.WriteHeader(http.StatusCreated)
	default:
		refuse(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "ECR does not let clients "+r.Method+" manifests")
	}
}

// push stores a manifest, if all of its parts exist.
func (d *Distribution) push(r *http.Request, at location, repository Repository) (Image, error) {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxManifest+1))
	if err != nil || len(text) > maxManifest {
		return Image{}, errors.Join(wire.Errorf("ImageManifestTooLarge", "the manifest is larger than %d bytes or was broken off", maxManifest), err)
	}
	var manifest struct {
		MediaType string
		Config    *v1.Descriptor
		Layers    []v1.Descriptor
		Manifests []v1.Descriptor
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return Image{}, wire.Errorf("InvalidManifest", "the manifest is no JSON that can be read: %s", err)
	}
	parts := manifest.Layers
	if manifest.Config != nil {
		parts = append(parts, *manifest.Config)
	}
	for _, part := range parts {
		if _, err := d.layers.Stat(r.Context(), at.repository, part.Digest); err != nil && len(part.URLs) == 0 {
			return Image{}, wire.Errorf("LayersNotFoundException", "the layer %s was not pushed", part.Digest)
		}
	}
	for _, part := range manifest.Manifests {
		if _, ok := repository.Images[part.Digest.String()]; !ok {
			return Image{}, wire.Errorf("ReferencedImagesNotFoundException", "the image %s of this index was not pushed", part.Digest)
		}
	}
	image := Image{Manifest: string(text), MediaType: manifest.MediaType, Pushed: d.store.now().UTC()}
	if given := r.Header.Get("Content-Type"); given != "" {
		image.MediaType = given
	}
	tag := at.reference
	if strings.Contains(tag, ":") {
		image.Digest, tag = tag, ""
	}
	var stored Image
	_, err = d.store.Change(at.place, at.repository, func(r *Repository) (err error) {
		stored, err = r.put(image, tag)
		var e *wire.Error
		if errors.As(err, &e) && e.Code == "ImageAlreadyExistsException" { // the same again is no error to docker
			stored, _ = r.tagged(tag)
			return nil
		}
		return err
	})
	return stored, err
}

// refuse writes an error as the protocol has them.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]string{"code": code, "message": message}}})
}

// token is a password of an account, good as long as the store lives.
func (s *Store) token(account string) string {
	sum := hmac.New(sha256.New, s.secret)
	sum.Write([]byte(account))
	return account + "-" + hex.EncodeToString(sum.Sum(nil))
}

func (s *Store) issued(token string) bool {
	account, _, _ := strings.Cut(token, "-")
	return subtle.ConstantTimeCompare([]byte(token), []byte(s.token(account))) == 1
}
