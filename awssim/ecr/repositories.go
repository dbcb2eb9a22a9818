package ecr

import (
	"encoding/base64"
	"maps"
	"slices"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Service is ECR over the store.
func (s *Store) Service() wire.Service {
	return wire.Service{Name: "ecr", Protocol: wire.JSON, Operations: map[string]wire.Handler{
		"CreateRepository":            wire.Typed(s.create),
		"DescribeRepositories":        wire.Typed(s.describe),
		"DeleteRepository":            wire.Typed(s.delete),
		"GetAuthorizationToken":       wire.Typed(s.getAuthorizationToken),
		"PutImage":                    wire.Typed(s.putImage),
		"ListImages":                  wire.Typed(s.listImages),
		"DescribeImages":              wire.Typed(s.describeImages),
		"BatchGetImage":               wire.Typed(s.batchGetImage),
		"BatchDeleteImage":            wire.Typed(s.batchDeleteImage),
		"BatchCheckLayerAvailability": wire.Typed(s.batchCheckLayerAvailability),
		"PutLifecyclePolicy":          wire.Typed(s.putLifecyclePolicy),
		"GetLifecyclePolicy":          wire.Typed(s.getLifecyclePolicy),
		"SetRepositoryPolicy":         wire.Typed(s.setRepositoryPolicy),
		"GetRepositoryPolicy":         wire.Typed(s.getRepositoryPolicy),
		"ListTagsForResource":         wire.Typed(s.listTags),
	}}
}

type tag struct{ Key, Value string }

// input has the members of the operations on repositories.
type input struct {
	RepositoryName             string
	RepositoryNames            []string
	RegistryID                 string `json:"registryId"`
	ImageTagMutability         string
	ImageScanningConfiguration struct{ ScanOnPush bool }
	EncryptionConfiguration    struct{ EncryptionType string }
	Tags                       []tag
	Force                      bool
	LifecyclePolicyText        string
	PolicyText                 string
	ResourceARN                string `json:"resourceArn"`
	MaxResults                 int    // of a page: all are on one
}

// permit asks for the call's operation on a repository of the caller's account.
func permit(call *wire.Call, registry, name string) error {
	if registry != "" && registry != call.Caller.Account {
		return wire.Commonf(wire.AccessDenied, "User: %s is not authorized to perform: ecr:%s on the registry of account %s", call.Caller.ARN, call.Operation, registry)
	}
	return call.Permit("ecr:"+call.Operation, call.ARN("ecr", "repository/"+name))
}

type view struct {
	ARN        string  `json:"repositoryArn"`
	RegistryID string  `json:"registryId"`
	Name       string  `json:"repositoryName"`
	URI        string  `json:"repositoryUri"`
	Created    float64 `json:"createdAt"`
	Mutability string  `json:"imageTagMutability"`
	Scanning   struct {
		ScanOnPush bool `json:"scanOnPush"`
	} `json:"imageScanningConfiguration"`
	Encryption struct {
		Type string `json:"encryptionType"`
	} `json:"encryptionConfiguration"`
}

// show returns the repository as the API does, with the address that images are
// pushed to.
func (s *Store) show(call *wire.Call, r Repository) view {
	_, prefix := s.endpoint(r.Account, call.Region)
	v := view{ARN: r.ARN, RegistryID: r.Account, Name: r.Name, URI: prefix + "/" + r.Name, Created: seconds(r.Created), Mutability: r.Mutability}
	v.Scanning.ScanOnPush, v.Encryption.Type = r.ScanOnPush, r.Encryption
	return v
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (s *Store) create(call *wire.Call, in input) (any, error) {
	if err := permit(call, in.RegistryID, in.RepositoryName); err != nil {
		return nil, err
	}
	r := Repository{
		Name: in.RepositoryName, Mutability: in.ImageTagMutability, ScanOnPush: in.ImageScanningConfiguration.ScanOnPush,
		Encryption: in.EncryptionConfiguration.EncryptionType, Tags: map[string]string{},
	}
	for _, t := range in.Tags {
		r.Tags[t.Key] = t.Value
	}
	r, err := s.Create(call.Caller.Account, call.Region, r)
	return map[string]any{"repository": s.show(call, r)}, err
}

func (s *Store) describe(call *wire.Call, in input) (any, error) {
	views := []view{}
	if len(in.RepositoryNames) == 0 {
		if err := permit(call, in.RegistryID, "*"); err != nil {
			return nil, err
		}
		for _, r := range s.All(call.Place()) {
			views = append(views, s.show(call, r))
		}
	}
	for _, name := range in.RepositoryNames {
		if err := permit(call, in.RegistryID, name); err != nil {
			return nil, err
		}
		r, err := s.Get(call.Place(), name)
		if err != nil {
			return nil, err
		}
		views = append(views, s.show(call, r))
	}
	return map[string]any{"repositories": views}, nil
}

func (s *Store) delete(call *wire.Call, in input) (any, error) {
	if err := permit(call, in.RegistryID, in.RepositoryName); err != nil {
		return nil, err
	}
	r, err := s.Delete(call.Place(), in.RepositoryName, in.Force)
	return map[string]any{"repository": s.show(call, r)}, err
}

// getAuthorizationToken returns a login for `docker login`.
func (s *Store) getAuthorizationToken(call *wire.Call, _ struct{}) (any, error) {
	if err := call.Permit("ecr:GetAuthorizationToken", "*"); err != nil {
		return nil, err
	}
	login := base64.StdEncoding.EncodeToString([]byte("AWS:" + s.token(call.Caller.Account)))
	url, _ := s.endpoint(call.Caller.Account, call.Region)
	return map[string]any{"authorizationData": []any{map[string]any{
		"authorizationToken": login, "expiresAt": seconds(call.Now.Add(12 * time.Hour)),
		"proxyEndpoint": url,
	}}}, nil
}

func (s *Store) putLifecyclePolicy(call *wire.Call, in input) (any, error) {
	if err := permit(call, in.RegistryID, in.RepositoryName); err != nil {
		return nil, err
	}
	_, err := s.Change(call.Place(), in.RepositoryName, func(r *Repository) error {
		r.Lifecycle = in.LifecyclePolicyText
		return nil
	})
	return map[string]any{"repositoryName": in.RepositoryName, "lifecyclePolicyText": in.LifecyclePolicyText}, err
}

func (s *Store) getLifecyclePolicy(call *wire.Call, in input) (any, error) {
	if err := permit(call, in.RegistryID, in.RepositoryName); err != nil {
		return nil, err
	}
	r, err := s.Get(call.Place(), in.RepositoryName)
	if err == nil && r.Lifecycle == "" {
		err = wire.Errorf("LifecyclePolicyNotFoundException", "Lifecycle policy does not exist for the repository with name '%s'", r.Name)
	}
	return map[string]any{"repositoryName": r.Name, "lifecyclePolicyText": r.Lifecycle}, err
}

func (s *Store) setRepositoryPolicy(call *wire.Call, in input) (any, error) {
	if err := permit(call, in.RegistryID, in.RepositoryName); err != nil {
		return nil, err
	}
	_, err := s.Change(call.Place(), in.RepositoryName, func(r *Repository) error {
		r.Policy = in.PolicyText
		return nil
	})
	return map[string]any{"repositoryName": in.RepositoryName, "policyText": in.PolicyText}, err
}

func (s *Store) getRepositoryPolicy(call *wire.Call, in input) (any, error) {
	if err := permit(call, in.RegistryID, in.RepositoryName); err != nil {
		return nil, err
	}
	r, err := s.Get(call.Place(), in.RepositoryName)
	if err == nil && r.Policy == "" {
		err = wire.Errorf("RepositoryPolicyNotFoundException", "Repository policy does not exist for the repository with name '%s'", r.Name)
	}
	return map[string]any{"repositoryName": r.Name, "policyText": r.Policy}, err
}

func (s *Store) listTags(call *wire.Call, in input) (any, error) {
	if err := call.Permit("ecr:ListTagsForResource", in.ResourceARN); err != nil {
		return nil, err
	}
	for _, r := range s.All(call.Place()) {
		if r.ARN == in.ResourceARN {
			tags := []tag{}
			for _, key := range slices.Sorted(maps.Keys(r.Tags)) {
				tags = append(tags, tag{key, r.Tags[key]})
			}
			return map[string]any{"tags": tags}, nil
		}
	}
	return nil, wire.Errorf("RepositoryNotFoundException", "The repository %s does not exist", in.ResourceARN)
}
