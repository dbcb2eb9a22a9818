package ssm

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/policy"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

type listInput struct {
	Path             string
	Recursive        bool
	WithDecryption   bool
	MaxResults       int
	NextToken        string
	ParameterFilters []filter
}

type filter struct {
	Key    string
	Option string
	Values []string
}

func (s *Store) getParametersByPath(call *wire.Call, in listInput) (any, error) {
	if !strings.HasPrefix(in.Path, "/") {
		return nil, wire.Commonf(wire.ValidationFailed, "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \"/\".")
	}
	if err := call.Permit("ssm:GetParametersByPath", arn(call, strings.TrimSuffix(in.Path, "/"))); err != nil {
		return nil, err
	}
	var under []Parameter
	for _, p := range s.All(call.Place()) {
		if p.under(in.Path, in.Recursive) {
			under = append(under, p)
		}
	}
	under, next, err := page(under, in, 10)
	if err != nil {
		return nil, err
	}
	views := []view{}
	for _, p := range under {
		one, err := show(call, p, "", in.WithDecryption)
		if err != nil {
			return nil, err
		}
		views = append(views, one)
	}
	return listing{Parameters: views, NextToken: next}, nil
}

type listing struct {
	Parameters any
	NextToken  string `json:",omitempty"`
}

func (p Parameter) under(path string, recursive bool) bool {
	rest, ok := strings.CutPrefix(p.Name, strings.TrimSuffix(path, "/")+"/")
	return ok && (recursive || !strings.Contains(rest, "/"))
}

// page cuts a listing; the token is the position of the next entry.
func page(all []Parameter, in listInput, largest int) (part []Parameter, next string, err error) {
	size := in.MaxResults
	if size <= 0 || size > largest {
		size = largest
	}
	from := 0
	if in.NextToken != "" {
		from, err = strconv.Atoi(in.NextToken)
		if err != nil || from < 0 || from > len(all) {
			return nil, "", wire.Errorf("InvalidNextToken", "The specified token isn't valid.")
		}
	}
	to := min(from+size, len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next, nil
}

// metadata is a parameter without its value.
type metadata struct {
	Name             string
	ARN              string
	Type             string
	LastModifiedDate float64
	LastModifiedUser string
	Description      string `json:",omitempty"`
	Version          int64
	Tier             string
	DataType         string
}

func (s *Store) describeParameters(call *wire.Call, in listInput) (any, error) {
	if err := call.Guard(policy.Question{Action: "ssm:DescribeParameters", Resource: call.ARN("ssm", "*")}); err != nil {
		return nil, err
	}
	var fitting []Parameter
	for _, p := range s.All(call.Place()) {
		if fits, err := p.fits(in.ParameterFilters); err != nil {
			return nil, err
		} else if fits {
			fitting = append(fitting, p)
		}
	}
	fitting, next, err := page(fitting, in, 50)
	if err != nil {
		return nil, err
	}
	found := []metadata{}
	for _, p := range fitting {
		found = append(found, metadata{
			Name: p.Name, ARN: arn(call, p.Name), Type: p.Type, Description: p.Description, Version: p.Version, Tier: "Standard",
			LastModifiedDate: float64(p.Modified.UnixMilli()) / 1000, LastModifiedUser: p.ModifiedBy, DataType: p.DataType,
		})
	}
	return listing{Parameters: found, NextToken: next}, nil
}

func (p Parameter) fits(filters []filter) (bool, error) {
	for _, f := range filters {
		var value string
		switch {
		case f.Key == "Name":
			value = p.Name
		case f.Key == "Type":
			value = p.Type
		case f.Key == "Path":
			if !slices.ContainsFunc(f.Values, func(path string) bool { return p.under(path, f.Option == "Recursive") }) {
				return false, nil
			}
			continue
		case strings.HasPrefix(f.Key, "tag:"):
			value = p.Tags[strings.TrimPrefix(f.Key, "tag:")]
		default:
			return false, wire.Errorf("InvalidFilterKey", "The specified key isn't valid: %s", f.Key)
		}
		if !slices.ContainsFunc(f.Values, func(want string) bool { return f.holds(value, want) }) {
			return false, nil
		}
	}
	return true, nil
}

func (f filter) holds(value, want string) bool {
	switch f.Option {
	case "BeginsWith":
		return strings.HasPrefix(value, want)
	case "Contains":
		return strings.Contains(value, want)
	}
	return value == want
}

type tagInput struct {
	ResourceType string
	ResourceID   string `json:"ResourceId"`
	Tags         []tag
	TagKeys      []string
}

func (in tagInput) permit(call *wire.Call) error {
	if in.ResourceType != "Parameter" {
		return wire.Errorf("InvalidResourceType", "The simulator supports tags of the resource type Parameter only, not of %q.", in.ResourceType)
	}
	return call.Permit("ssm:"+call.Operation, arn(call, in.ResourceID))
}

func (s *Store) addTags(call *wire.Call, in tagInput) (any, error) {
	if err := in.permit(call); err != nil {
		return nil, err
	}
	return nil, s.Tag(call.Place(), in.ResourceID, func(tags map[string]string) { maps.Copy(tags, tagMap(in.Tags)) })
}

func (s *Store) removeTags(call *wire.Call, in tagInput) (any, error) {
	if err := in.permit(call); err != nil {
		return nil, err
	}
	return nil, s.Tag(call.Place(), in.ResourceID, func(tags map[string]string) {
		maps.DeleteFunc(tags, func(key, _ string) bool { return slices.Contains(in.TagKeys, key) })
	})
}

func (s *Store) listTags(call *wire.Call, in tagInput) (any, error) {
	if err := in.permit(call); err != nil {
		return nil, err
	}
	p, err := s.Get(call.Place(), in.ResourceID)
	if err != nil {
		return nil, wire.Errorf("InvalidResourceId", "The resource ID %s is not valid.", in.ResourceID)
	}
	tags := []tag{}
	for _, key := range slices.Sorted(maps.Keys(p.Tags)) {
		tags = append(tags, tag{key, p.Tags[key]})
	}
	return map[string]any{"TagList": tags}, nil
}
