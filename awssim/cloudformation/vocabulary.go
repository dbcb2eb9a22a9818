package cloudformation

import (
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/kinds"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// checkVocabulary refuses, by name, resource types that CloudFormation does
// not have, attributes that a type does not have, and secure parameters where
// they are not resolved.
func checkVocabulary(t *template.Template) error {
	var unknown []string
	for _, id := range sortedKeys(t.Resources) {
		if typ := t.Resources[id].Type; !kinds.Known(typ) {
			unknown = append(unknown, typ)
		}
	}
	if len(unknown) > 0 {
		return invalidf("Template format error: Unrecognized resource types: [%s]", strings.Join(unknown, ", "))
	}
	if err := checkSecure(t); err != nil {
		return err
	}
	for _, id := range sortedKeys(t.Resources) {
		if err := checkAttributes(t, t.Resources[id].Properties); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(t.Outputs) {
		if err := checkAttributes(t, t.Outputs[name].Value); err != nil {
			return err
		}
	}
	return nil
}

func checkAttributes(t *template.Template, value any) error {
	for _, r := range template.References(value, nil) {
		target, isResource := t.Resources[r.Name]
		if isResource && r.Attribute != "" && r.Attribute != template.Computed && !kinds.HasAttribute(target.Type, r.Attribute) {
			return invalidf("Template error: resource %s does not support attribute type %s in Fn::GetAtt", r.Name, r.Attribute)
		}
	}
	return nil
}
