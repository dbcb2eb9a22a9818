package template

import (
	"slices"
	"strings"
)

// iamNames are the properties that give an IAM resource a name of its own.
var iamNames = map[string]string{
	"AWS::IAM::AccessKey":           "",
	"AWS::IAM::Group":               "GroupName",
	"AWS::IAM::InstanceProfile":     "InstanceProfileName",
	"AWS::IAM::ManagedPolicy":       "ManagedPolicyName",
	"AWS::IAM::Policy":              "",
	"AWS::IAM::Role":                "RoleName",
	"AWS::IAM::RolePolicy":          "",
	"AWS::IAM::User":                "UserName",
	"AWS::IAM::UserPolicy":          "",
	"AWS::IAM::GroupPolicy":         "",
	"AWS::IAM::UserToGroupAddition": "",
}

// Capabilities are what a caller must acknowledge to deploy the template, and
// why, in the wording of GetTemplateSummary.
func (t *Template) Capabilities() (needed []string, reason string) {
	var types []string
	named := false
	for _, id := range sortedKeys(t.Resources) {
		r := t.Resources[id]
		property, isIAM := iamNames[r.Type]
		if !isIAM {
			continue
		}
		types = append(types, r.Type)
		_, has := r.Properties[property]
		named = named || has
	}
	if len(types) > 0 {
		needed = append(needed, "CAPABILITY_IAM")
		if named {
			needed[0] = "CAPABILITY_NAMED_IAM"
		}
		reason = "The following resource(s) require capabilities: [" + strings.Join(unique(types), ", ") + "]"
	}
	if len(t.Transforms) > 0 {
		needed = append(needed, "CAPABILITY_AUTO_EXPAND")
	}
	return needed, reason
}

// Lacking are the needed capabilities that were not acknowledged.
// CAPABILITY_NAMED_IAM includes CAPABILITY_IAM.
func (t *Template) Lacking(acknowledged []string) []string {
	needed, _ := t.Capabilities()
	return slices.DeleteFunc(needed, func(capability string) bool {
		return slices.Contains(acknowledged, capability) ||
			capability == "CAPABILITY_IAM" && slices.Contains(acknowledged, "CAPABILITY_NAMED_IAM")
	})
}
