package template

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Draft is a template as it was given: its transforms have not been run.
type Draft struct{ root map[string]any }

// ReadDraft reads the text of a template. What starts with a brace is JSON, all
// else YAML.
func ReadDraft(body string) (*Draft, error) {
	raw, err := readValue(body)
	if err != nil {
		return nil, err
	}
	root, ok := raw.(map[string]any)
	if !ok {
		return nil, formatf("unsupported structure.")
	}
	return &Draft{root}, refuseNull(root, "")
}

func readValue(body string) (any, error) {
	if bytes.HasPrefix(bytes.TrimSpace([]byte(body)), []byte("{")) {
		return fromJSON([]byte(body))
	}
	return fromYAML([]byte(body))
}

// The transforms of AWS that are run.
const (
	languageExtensions = "AWS::LanguageExtensions"
	include            = "AWS::Include"
	serverless         = "AWS::Serverless-2016-10-31"
	secretsManager     = "AWS::SecretsManager-"
)

// Transforms are the names of all transforms: those of the template's own
// section, and those of Fn::Transform.
func (d *Draft) Transforms() []string {
	return unique(append(transforms(d.root["Transform"]), inner(d.root)...))
}

// inner are the names that Fn::Transform has.
func inner(value any) (names []string) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			names = append(names, inner(item)...)
		}
	case map[string]any:
		for _, key := range sortedKeys(v) {
			if key == "Fn::Transform" {
				names = append(names, transforms(v[key])...)
			}
			names = append(names, inner(v[key])...)
		}
	}
	return names
}

// Check refuses transforms that are not known, and what only
// AWS::LanguageExtensions allows in a template that does not ask for it.
func (d *Draft) Check() error {
	names := d.Transforms()
	for _, name := range names {
		known := slices.Contains([]string{languageExtensions, include, serverless}, name) || strings.HasPrefix(name, secretsManager)
		if !known {
			return validationf("No transform named %s found: the simulator runs no macros of an account", name)
		}
	}
	if slices.Contains(names, languageExtensions) {
		return nil
	}
	if err := d.checkPlainPolicies(); err != nil {
		return err
	}
	return extended(d.root)
}

// checkPlainPolicies refuses policies that are computed.
func (d *Draft) checkPlainPolicies() error {
	resources, _ := d.root["Resources"].(map[string]any)
	for _, id := range sortedKeys(resources) {
		resource, _ := resources[id].(map[string]any)
		for _, name := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
			if _, plain := optionalText(resource[name]); !plain {
				return formatf("Every %s member must be a string.", name)
			}
		}
	}
	return nil
}

func extended(value any) error {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			if err := extended(item); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, key := range sortedKeys(v) {
			if key == "Fn::Length" || key == "Fn::ToJsonString" || strings.HasPrefix(key, loopPrefix) {
				return templatef("Encountered unsupported function: %s. It needs the transform %s", key, languageExtensions)
			}
			if arguments, ok := v[key].([]any); ok && key == "Fn::FindInMap" && len(arguments) != 3 {
				return templatef("every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value")
			}
			if err := extended(v[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Head is what a template says before its transforms are run: its parameters
// and mappings, and no resources.
func (d *Draft) Head() (*Template, error) {
	t := &Template{Transforms: d.Transforms()}
	for _, read := range []func(map[string]any, *Template) error{readDescription, readParameters, readMappings} {
		if err := read(d.root, t); err != nil {
			return nil, err
		}
	}
	members, _ := d.root["Conditions"].(map[string]any)
	t.Conditions = members
	return t, nil
}

// Include reads the text that AWS::Include names, such as s3://bucket/key.
type Include func(location string) (string, error)

// Process runs the transforms and gives the text of what they lead to: the
// includes first, then the others in their order. The env has the values of
// the parameters.
func (d *Draft) Process(env *Env, read Include) (string, error) {
	p := processor{env: env, read: read}
	root, err := p.included(d.root)
	if err != nil {
		return "", err
	}
	for _, name := range transforms(d.root["Transform"]) {
		switch {
		case name == languageExtensions:
			root, err = p.extended(root)
		case name == serverless:
			err = p.serverless(root)
		case strings.HasPrefix(name, secretsManager):
			err = hostRotations(root)
		}
		if err != nil {
			return "", err
		}
	}
	delete(root, "Transform")
	text, err := json.Marshal(root)
	return string(text), err
}

// processor runs the transforms of one template.
type processor struct {
	env   *Env
	read  Include
	made  int // members that loops have made
	depth int // of includes in includes
}
