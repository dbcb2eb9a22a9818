package ssm

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Service is SSM over the store.
func (s *Store) Service() wire.Service {
	return wire.Service{Name: "ssm", Protocol: wire.JSON, Operations: map[string]wire.Handler{
		"GetParameter":           wire.Typed(s.getParameter),
		"GetParameters":          wire.Typed(s.getParameters),
		"GetParametersByPath":    wire.Typed(s.getParametersByPath),
		"DescribeParameters":     wire.Typed(s.describeParameters),
		"PutParameter":           wire.Typed(s.putParameter),
		"DeleteParameter":        wire.Typed(s.deleteParameter),
		"DeleteParameters":       wire.Typed(s.deleteParameters),
		"AddTagsToResource":      wire.Typed(s.addTags),
		"RemoveTagsFromResource": wire.Typed(s.removeTags),
		"ListTagsForResource":    wire.Typed(s.listTags),
	}}
}

// view is a parameter as the API shows it.
type view struct {
	Name             string
	Type             string
	Value            string
	Version          int64
	Selector         string `json:",omitempty"`
	LastModifiedDate float64
	ARN              string
	DataType         string
}

func show(call *wire.Call, p Parameter, selector string, decrypted bool) (view, error) {
	value := p.Value
	switch {
	case p.Type == SecureString && decrypted:
		if err := call.PermitKey("kms:Decrypt", p.Key); err != nil {
			return view{}, err
		}
	case p.Type == SecureString:
		value = base64.StdEncoding.EncodeToString([]byte("encrypted by the simulator:" + p.Value))
	}
	return view{
		Name: p.Name, Type: p.Type, Value: value, Version: p.Version, Selector: selector,
		LastModifiedDate: float64(p.Modified.UnixMilli()) / 1000, ARN: arn(call, p.Name), DataType: p.DataType,
	}, nil
}

func arn(call *wire.Call, name string) string {
	return call.ARN("ssm", "parameter/"+strings.TrimPrefix(name, "/"))
}

// split parts a name as it may be given, an ARN or a plain name with an
// optional :version, into name and selector.
func split(call *wire.Call, given string) (name, selector string, err error) {
	if strings.HasPrefix(given, "arn:") {
		own := call.ARN("ssm", "parameter")
		rest, ok := strings.CutPrefix(given, own)
		if !ok {
			return "", "", wire.Errorf("ParameterNotFound", "Parameter %s not found: it is not of this account and region.", given)
		}
		given = rest
	}
	name, selector, found := strings.Cut(given, ":")
	if found {
		selector = ":" + selector
	}
	return name, selector, nil
}

// find reads one parameter as a call names it.
func (s *Store) find(call *wire.Call, given string, decrypted bool) (view, error) {
	name, selector, err := split(call, given)
	if err != nil {
		return view{}, err
	}
	p, err := s.Get(call.Place(), name)
	if err != nil && strings.HasPrefix(given, "arn:") {
		p, err = s.Get(call.Place(), strings.TrimPrefix(name, "/")) // an ARN does not distinguish /a from a
	}
	if err != nil {
		return view{}, err
	}
	if selector != "" && selector != ":"+strconv.FormatInt(p.Version, 10) {
		return view{}, wire.Errorf("ParameterVersionNotFound", "Systems Manager could not find version %s of %s. The simulator keeps only the newest version.", selector[1:], name)
	}
	return show(call, p, selector, decrypted)
}

type getInput struct {
	Name           string
	Names          []string
	WithDecryption bool
}

func (s *Store) getParameter(call *wire.Call, in getInput) (any, error) {
	name, _, err := split(call, in.Name)
	if err != nil {
		return nil, err
	}
	if err := call.Permit("ssm:GetParameter", arn(call, name)); err != nil {
		return nil, err
	}
	found, err := s.find(call, in.Name, in.WithDecryption)
	return map[string]any{"Parameter": found}, err
}

func (s *Store) getParameters(call *wire.Call, in getInput) (any, error) {
	if len(in.Names) == 0 || len(in.Names) > 10 {
		return nil, wire.Commonf(wire.ValidationFailed, "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length between 1 and 10")
	}
	found, missing := []view{}, []string{}
	for _, given := range in.Names {
		name, _, err := split(call, given)
		if err != nil {
			missing = append(missing, given)
			continue
		}
		if err := call.Permit("ssm:GetParameters", arn(call, name)); err != nil {
			return nil, err
		}
		one, err := s.find(call, given, in.WithDecryption)
		var refused *wire.Error
		if errors.As(err, &refused) && refused.Common == wire.AccessDenied {
			return nil, err
		}
		if err != nil {
			missing = append(missing, given)
			continue
		}
		found = append(found, one)
	}
	return map[string]any{"Parameters": found, "InvalidParameters": missing}, nil
}

type putInput struct {
	Name, Value, Type, Description, DataType string
	KeyID                                    string `json:"KeyId"`
	Overwrite                                bool
	Tags                                     []tag
}

type tag struct{ Key, Value string }

func (s *Store) putParameter(call *wire.Call, in putInput) (any, error) {
	if err := call.Permit("ssm:PutParameter", arn(call, in.Name)); err != nil {
		return nil, err
	}
	if in.Overwrite && len(in.Tags) > 0 {
		return nil, wire.Commonf(wire.ValidationFailed, "Invalid request: tags and overwrite can't be used together.")
	}
	key, err := call.Key(in.KeyID)
	switch {
	case err != nil:
		return nil, err
	case key != "" && in.Type != SecureString:
		return nil, wire.Commonf(wire.ValidationFailed, "KeyId is required for SecureString type parameter only.")
	}
	if err := call.PermitKey("kms:Encrypt", key); err != nil {
		return nil, err
	}
	p := Parameter{
		Name: in.Name, Value: in.Value, Type: in.Type, Key: key, Description: in.Description, DataType: in.DataType,
		ModifiedBy: call.Caller.ARN, Tags: tagMap(in.Tags),
	}
	stored, err := s.Put(call.Place(), p, in.Overwrite)
	return map[string]any{"Version": stored.Version, "Tier": "Standard"}, err
}

func tagMap(tags []tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	named := map[string]string{}
	for _, t := range tags {
		named[t.Key] = t.Value
	}
	return named
}

func (s *Store) deleteParameter(call *wire.Call, in getInput) (any, error) {
	if err := call.Permit("ssm:DeleteParameter", arn(call, in.Name)); err != nil {
		return nil, err
	}
	return nil, s.Delete(call.Place(), in.Name)
}

func (s *Store) deleteParameters(call *wire.Call, in getInput) (any, error) {
	deleted, missing := []string{}, []string{}
	for _, name := range in.Names {
		if err := call.Permit("ssm:DeleteParameters", arn(call, name)); err != nil {
			return nil, err
		}
		var e *wire.Error
		if errors.As(s.Delete(call.Place(), name), &e) {
			missing = append(missing, name)
			continue
		}
		deleted = append(deleted, name)
	}
	return map[string]any{"DeletedParameters": deleted, "InvalidParameters": missing}, nil
}
