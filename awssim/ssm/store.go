package ssm

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"regexp"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// The types of a parameter.
const (
	String       = "String"
	StringList   = "StringList"
	SecureString = "SecureString"
)

// Parameter is one named value; only its newest version is kept.
type Parameter struct {
	Name        string
	Type        string
	Key         string // ARN of the key of KMS that encrypts a SecureString; empty: that of AWS
	Value       string
	Version     int64
	Modified    time.Time
	ModifiedBy  string // ARN
	Description string
	DataType    string
	Tags        map[string]string
}

// Store holds the parameters of every account and region. It is safe for
// concurrent use.
type Store struct {
	wire.Table[Parameter]
	now func() time.Time
}

// New makes an empty store on a clock.
func New(now func() time.Time) *Store {
	return &Store{now: now}
}

const longestName = 1011

var validName = regexp.MustCompile(`^[a-zA-Z0-9_.\-/]+$`)

// Put adds a parameter or, with overwrite, makes its next version. It returns
// what is now stored.
func (s *Store) Put(place string, p Parameter, overwrite bool) (Parameter, error) {
	if err := p.check(); err != nil {
		return Parameter{}, err
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	old, exists := s.Places[place][p.Name]
	if exists && !overwrite {
		return Parameter{}, wire.Errorf("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	}
	if p.Type == "" {
		p.Type = old.Type
	}
	if p.Type == "" {
		return Parameter{}, wire.Commonf(wire.ValidationFailed, "A parameter type is required when you create a parameter.")
	}
	if p.DataType == "" {
		p.DataType = "text"
	}
	p.Version, p.Modified = old.Version+1, s.now().UTC()
	if exists && p.Tags == nil {
		p.Tags = old.Tags
	}
	s.Set(place, p.Name, p)
	return p, nil
}

func (p Parameter) check() error {
	bare := strings.ToLower(strings.TrimPrefix(p.Name, "/"))
	switch {
	case !validName.MatchString(p.Name) || len(p.Name) > longestName || strings.Contains(p.Name, "//") || strings.HasSuffix(p.Name, "/"):
		return wire.Commonf(wire.ValidationFailed, "Parameter name: %q can't be used: only a mix of letters, numbers and . - _ / is allowed", p.Name)
	case strings.HasPrefix(bare, "aws") || strings.HasPrefix(bare, "ssm"):
		return wire.Commonf(wire.ValidationFailed, "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).")
	case strings.Contains(p.Name, "/") && !strings.HasPrefix(p.Name, "/"):
		return wire.Commonf(wire.ValidationFailed, "Parameter name must be a fully qualified name.")
	case p.Type != "" && p.Type != String && p.Type != StringList && p.Type != SecureString:
		return wire.Errorf("UnsupportedParameterType", "The parameter type %q is not supported.", p.Type)
	case p.Value == "":
		return wire.Commonf(wire.ValidationFailed, "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case len(p.Value) > 8<<10:
		return wire.Commonf(wire.ValidationFailed, "Standard tier parameters support a maximum parameter value of 4096 characters, advanced ones 8192.")
	}
	return nil
}

// Get returns a parameter.
func (s *Store) Get(place, name string) (Parameter, error) {
	s.Mu.RLock()
	defer s.Mu.RUnlock()
	if p, ok := s.Places[place][name]; ok {
		return p, nil
	}
	if p, ok := public(place, name); ok {
		return p, nil
	}
	return Parameter{}, wire.Errorf("ParameterNotFound", "Parameter %s not found.", name)
}

// Delete removes a parameter.
func (s *Store) Delete(place, name string) error {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if _, ok := s.Places[place][name]; !ok {
		return wire.Errorf("ParameterNotFound", "Parameter %s not found.", name)
	}
	delete(s.Places[place], name)
	return nil
}

// Tag replaces the tags that change edits.
func (s *Store) Tag(place, name string, change func(tags map[string]string)) error {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	p, ok := s.Places[place][name]
	if !ok {
		return wire.Errorf("InvalidResourceId", "The resource ID %s is not valid.", name)
	}
	tags := maps.Clone(p.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	change(tags)
	p.Tags = tags
	s.Set(place, name, p)
	return nil
}

// public answers AWS's own parameters of machine images with an id that stays
// the same.
func public(place, name string) (Parameter, bool) {
	if !strings.HasPrefix(name, "/aws/service/ami-") && !strings.HasPrefix(name, "/aws/service/ecs/optimized-ami/") &&
		!strings.HasPrefix(name, "/aws/service/eks/optimized-ami/") {
		return Parameter{}, false
	}
	_, region, _ := strings.Cut(place, "/")
	hash := sha256.Sum256([]byte(region + name))
	return Parameter{
		Name: name, Type: String, Value: "ami-" + hex.EncodeToString(hash[:])[:17], Version: 1, DataType: "aws:ec2:image",
		Modified: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), ModifiedBy: "amazon",
	}, true
}
