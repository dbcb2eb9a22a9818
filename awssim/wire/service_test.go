package wire

import (
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
