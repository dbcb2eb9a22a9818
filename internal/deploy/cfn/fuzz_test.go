package cfn

import (
	"encoding/json"
	"testing"
)

// FuzzTemplate holds that no template makes its readers panic: that it equals itself, and
// that the parameters that need a value are those that keep it from being deployed.
func FuzzTemplate(f *testing.F) {
	f.Add([]byte(`{"Parameters":{"A":{"Type":"String"},"B":{"Type":"AWS::SSM::Parameter::Value<String>","Default":"/b"}},"Resources":{"R":{"Type":"T"}}}`))
	f.Add([]byte(`{"Transform":["AWS::Serverless-2016-10-31",{"Name":"AWS::Include"}],"Outputs":{"O":{"Value":{"Fn::GetStackOutput":[1,{"Fn::Transform":null}]}}}}`))
	f.Add([]byte("Resources:\n  R: {Type: T}\n"))
	f.Fuzz(func(t *testing.T, template []byte) {
		goal := Goal{Name: "a", Template: template}
		_ = isEmpty(template)
		_ = goal.externalReason()
		if !sameTemplate(template, template) {
			t.Errorf("%q does not equal itself", template)
		}
		_, err := planParameters(goal, nil)
		if json.Valid(template) && (err == nil) != (len(goal.Unset()) == 0) && !isOtherForm(template) {
			t.Errorf("%q: %v, %q", template, err, goal.Unset())
		}
	})
}

// isOtherForm reports whether a template has no parameters of the form that all have.
func isOtherForm(template []byte) bool {
	var doc struct{ Parameters map[string]declaredParameter }
	return json.Unmarshal(template, &doc) != nil
}
