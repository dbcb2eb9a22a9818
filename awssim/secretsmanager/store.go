package secretsmanager

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"math/big"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Secret is one secret with its newest two versions.
type Secret struct {
	Name        string
	ARN         string
	Description string
	Key         string // ARN of the key of KMS that encrypts it; empty: that of AWS
	Created     time.Time
	Changed     time.Time
	Tags        map[string]string
	Current     Version
	Previous    *Version
}

// Version is one value of a secret: a text or bytes.
type Version struct {
	ID      string
	Text    string
	Binary  []byte
	Created time.Time
}

// Store holds the secrets of every account and region. It is safe for
// concurrent use.
type Store struct {
	wire.Table[Secret]
	now func() time.Time
}

// New makes an empty store on a clock.
func New(now func() time.Time) *Store {
	return &Store{now: now}
}

// Create adds a secret. The ARN prefix is all of its ARN before the name.
func (s *Store) Create(place, arnPrefix string, secret Secret) (Secret, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	switch _, exists := s.Places[place][secret.Name]; {
	case exists:
		return Secret{}, wire.Errorf("ResourceExistsException", "The operation failed because the secret %s already exists.", secret.Name)
	case secret.Name == "" || len(secret.Name) > 512 || strings.Trim(secret.Name, nameLetters) != "":
		return Secret{}, wire.Commonf(wire.ValidationFailed, "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	secret.ARN = arnPrefix + secret.Name + "-" + RandomText(letters+digits, 6)
	secret.Created = s.now().UTC()
	secret.Changed = secret.Created
	secret.Current = s.version(secret.Current)
	s.Set(place, secret.Name, secret)
	return secret, nil
}

const (
	letters     = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits      = "0123456789"
	nameLetters = letters + digits + "-/_+=.@!"
)

func (s *Store) version(v Version) Version {
	if v.ID == "" {
		v.ID = newVersionID()
	}
	v.Created = s.now().UTC()
	return v
}

// Put makes a new current version; what was current becomes the previous one.
func (s *Store) Put(place, id string, v Version) (Secret, error) {
	return s.Change(place, id, func(secret *Secret) {
		previous := secret.Current
		secret.Previous, secret.Current = &previous, s.version(v)
	})
}

// Change edits a secret in place.
func (s *Store) Change(place, id string, change func(*Secret)) (Secret, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	secret, err := s.find(place, id)
	if err != nil {
		return Secret{}, err
	}
	secret.Tags = maps.Clone(secret.Tags)
	change(&secret)
	secret.Changed = s.now().UTC()
	s.Set(place, secret.Name, secret)
	return secret, nil
}

// Get returns a secret by name, ARN, or ARN without suffix.
func (s *Store) Get(place, id string) (Secret, error) {
	s.Mu.RLock()
	defer s.Mu.RUnlock()
	return s.find(place, id)
}

func (s *Store) find(place, id string) (Secret, error) {
	if secret, ok := s.Places[place][id]; ok {
		return secret, nil
	}
	if strings.HasPrefix(id, "arn:") {
		for _, secret := range s.Places[place] {
			if secret.ARN == id || secret.ARN[:len(secret.ARN)-7] == id {
				return secret, nil
			}
		}
	}
	return Secret{}, wire.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

// Delete removes a secret at once.
func (s *Store) Delete(place, id string) (Secret, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	secret, err := s.find(place, id)
	if err != nil {
		return Secret{}, err
	}
	delete(s.Places[place], secret.Name)
	return secret, nil
}

// RandomText makes a text of n characters out of an alphabet.
func RandomText(alphabet string, n int) string {
	text := make([]byte, n)
	for i := range text {
		at, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			panic("the system has no random numbers: " + err.Error())
		}
		text[i] = alphabet[at.Int64()]
	}
	return string(text)
}

func newVersionID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	h := hex.EncodeToString(b)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
