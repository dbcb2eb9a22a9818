package wire

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnUnsupportedMemberIsRefusedByName(t *testing.T) {
	type input struct {
		Name   string
		Nested struct{ Flag bool }
	}
	run := Typed(func(_ *Call, in input) (any, error) { return in.Name, nil })
	call := func(body string) (any, error) {
		return run(t.Context(), &Call{Service: "ssm", Operation: "PutParameter", Body: []byte(body)})
	}
	for _, body := range []string{`{"Name":"a"}`, `{"name":"a","nested":{"flag":true}}`, " {\"Name\":\"a\"}\n"} {
		name, err := call(body)
		require.NoError(t, err, body)
		assert.Equal(t, "a", name)
	}
	for body, says := range map[string]string{
		`{"Name":"a","Tier":"Advanced"}`:       `the simulator does not support the member "Tier" of ssm:PutParameter`,
		`{"Name":"a","Nested":{"Other":true}}`: `the simulator does not support the member "Other" of ssm:PutParameter`,
		`{"Name":1}`:                           "reading the input of PutParameter",
		`{"Name":"a"} more`:                    "reading the input of PutParameter",
		`{"Name":"a"`:                          "reading the input of PutParameter",
	} {
		_, err := call(body)
		assert.ErrorContains(t, err, says, body)
	}
}

func TestAnUnsupportedParameterIsRefusedByName(t *testing.T) {
	run := Plain(func(call *Call) (any, error) { return call.Form.Get("RoleName"), nil }, "RoleName", "Tags.Key", "Filter.Value")
	call := func(query string) (any, error) {
		form, err := url.ParseQuery(query)
		require.NoError(t, err)
		return run(t.Context(), &Call{Service: "iam", Operation: "CreateRole", Form: form})
	}
	for _, query := range []string{
		"RoleName=a", "RoleName=a&Action=CreateRole&Version=1", "RoleName=a&Tags=", "RoleName=a&Tags.member.12.Key=k", "RoleName=a&Filter.1.Value.2=v",
	} {
		name, err := call(query)
		require.NoError(t, err, query)
		assert.Equal(t, "a", name)
	}
	for _, name := range []string{"Path", "roleName", "Tag", "RoleName.Key", "Tags.member.1.Value", "Tags.member.Key", "Filter.1.Name", "Tags.member.1.Key.Other"} {
		_, err := call("RoleName=a&" + name + "=x")
		assert.ErrorContains(t, err, "the simulator does not support "+name+" of iam:CreateRole")
	}
}
