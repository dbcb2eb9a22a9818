package ecr

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Repository is one ECR repository.
type Repository struct {
	Name       string
	ARN        string
	URI        string
	Account    string
	Created    time.Time
	Mutability string // MUTABLE or IMMUTABLE
	ScanOnPush bool
	Encryption string // AES256 or KMS
	Lifecycle  string // policy text
	Policy     string // repository policy text
	Tags       map[string]string
	Images     map[string]Image // by digest
}

// Image is one image of a repository.
type Image struct {
	Digest    string
	Manifest  string
	MediaType string
	Pushed    time.Time
	Tags      []string
}

// Store holds the repositories of every account and region. It is safe for
// concurrent use.
type Store struct {
	wire.Table[*Repository]
	now    func() time.Time
	secret []byte // of the logins at the registry
	listen string // host:port of the registry; empty where none runs
}

// New makes an empty store on a clock.
func New(now func() time.Time) *Store {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return &Store{now: now, secret: secret}
}

// Listens sets the address of the store's registry, as host:port: pushes
// go there, and nowhere else.
func (s *Store) Listens(address string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.listen = address
}

// endpoint is the URL at which docker logs in, and the prefix of what it
// pushes to in an account's region.
func (s *Store) endpoint(account, region string) (url, prefix string) {
	s.Mu.RLock()
	defer s.Mu.RUnlock()
	if s.listen == "" {
		return "https://" + host(account, region), host(account, region)
	}
	return "http://" + s.listen, s.listen + "/" + account + "/" + region
}

var validName = regexp.MustCompile(`^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$`)

// Create adds a repository to an account's region.
func (s *Store) Create(account, region string, r Repository) (Repository, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	place := wire.Place(account, region)
	if len(r.Name) < 2 || len(r.Name) > 256 || !validName.MatchString(r.Name) {
		return Repository{}, wire.Errorf("InvalidParameterException", "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression %s'", validName)
	}
	if s.Places[place][r.Name] != nil {
		return Repository{}, wire.Errorf("RepositoryAlreadyExistsException", "The repository with name '%s' already exists in the registry with id '%s'", r.Name, account)
	}
	r.Account = account
	r.ARN = "arn:" + wire.Partition(region) + ":ecr:" + region + ":" + account + ":repository/" + r.Name
	r.URI = host(account, region) + "/" + r.Name
	r.Created, r.Images = s.now().UTC(), map[string]Image{}
	if r.Mutability == "" {
		r.Mutability = "MUTABLE"
	}
	if r.Encryption == "" {
		r.Encryption = "AES256"
	}
	stored := r.clone()
	s.Set(place, r.Name, &stored)
	return r, nil
}

func host(account, region string) string {
	return account + ".dkr.ecr." + region + "." + wire.Suffix(region)
}

// Get returns a repository.
func (s *Store) Get(place, name string) (Repository, error) {
	s.Mu.RLock()
	defer s.Mu.RUnlock()
	r, err := s.find(place, name)
	if err != nil {
		return Repository{}, err
	}
	return r.clone(), nil
}

// All returns the repositories of a place sorted by name.
func (s *Store) All(place string) []Repository {
	s.Mu.RLock()
	defer s.Mu.RUnlock()
	var all []Repository
	for _, name := range slices.Sorted(maps.Keys(s.Places[place])) {
		all = append(all, s.Places[place][name].clone())
	}
	return all
}

// Change lets change edit a repository.
func (s *Store) Change(place, name string, change func(*Repository) error) (Repository, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	r, err := s.find(place, name)
	if err != nil {
		return Repository{}, err
	}
	edited := r.clone()
	if err := change(&edited); err != nil {
		return Repository{}, err
	}
	*r = edited.clone()
	return edited, nil
}

// Delete removes a repository; one that has images only with force.
func (s *Store) Delete(place, name string, force bool) (Repository, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	r, err := s.find(place, name)
	if err != nil {
		return Repository{}, err
	}
	if len(r.Images) > 0 && !force {
		return Repository{}, wire.Errorf("RepositoryNotEmptyException", "The repository with name '%s' in registry with id '%s' cannot be deleted because it still contains images", name, r.Account)
	}
	delete(s.Places[place], name)
	return *r, nil
}

func (s *Store) find(place, name string) (*Repository, error) {
	if r := s.Places[place][name]; r != nil {
		return r, nil
	}
	account, _, _ := strings.Cut(place, "/")
	return nil, wire.Errorf("RepositoryNotFoundException", "The repository with name '%s' does not exist in the registry with id '%s'", name, account)
}

func (r Repository) clone() Repository {
	r.Tags, r.Images = maps.Clone(r.Tags), maps.Clone(r.Images)
	for digest, image := range r.Images {
		image.Tags = slices.Clone(image.Tags)
		r.Images[digest] = image
	}
	return r
}

// put stores an image under a tag; the tag leaves the image it was on.
func (r *Repository) put(image Image, tag string) (Image, error) {
	sum := sha256.Sum256([]byte(image.Manifest))
	digest := "sha256:" + hex.EncodeToString(sum[:])
	if image.Digest != "" && image.Digest != digest {
		return Image{}, wire.Errorf("ImageDigestDoesNotMatchException", "Image digest %s does not match the manifest's %s", image.Digest, digest)
	}
	image.Digest = digest
	if known, ok := r.Images[digest]; ok {
		image = known
	}
	if tag != "" {
		if holder, taken := r.tagged(tag); taken {
			if r.Mutability == "IMMUTABLE" || holder.Digest == digest {
				return Image{}, r.taken(holder, digest, tag)
			}
			holder.Tags = slices.DeleteFunc(holder.Tags, func(t string) bool { return t == tag })
			r.Images[holder.Digest] = holder
		}
		image.Tags = append(image.Tags, tag)
	}
	r.Images[digest] = image
	return image, nil
}

func (r *Repository) taken(holder Image, digest, tag string) error {
	if holder.Digest == digest {
		return wire.Errorf("ImageAlreadyExistsException", "Image with digest '%s' and tag '%s' already exists in the repository with name '%s'", digest, tag, r.Name)
	}
	return wire.Errorf("ImageTagAlreadyExistsException", "The image tag '%s' already exists in the '%s' repository and cannot be overwritten because the tag is immutable.", tag, r.Name)
}

func (r *Repository) tagged(tag string) (Image, bool) {
	for _, image := range r.Images {
		if slices.Contains(image.Tags, tag) {
			return image, true
		}
	}
	return Image{}, false
}
