package contract

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// EnvPrefix is what the name of every input's environment variable starts with.
const EnvPrefix = "APHEX"

// Param is one input or one output of a stage.
type Param struct {
	Name     string // kebab case: the flag, the workflow parameter, the output's file
	Env      string // the input's environment variable, such as APHEX_COMMIT; empty for outputs
	Help     string // one sentence
	Required bool   // whether the stage fails without it
	Default  string // the value when none is given
}

// Contract is the public interface of a stage.
type Contract struct {
	Command []string // program and, if it has several stages, the verb
	Inputs  []Param  // in the order of the struct's fields
	Outputs []Param  // in the order of the struct's fields
}

// Program is the name of the binary, and of the image that carries it.
func (c Contract) Program() string { return c.Command[0] }

// Name joins program and verb with a dash: "deployer-environment".
func (c Contract) Name() string { return strings.Join(c.Command, "-") }

// Input returns the input of a name.
func (c Contract) Input(name string) (Param, bool) { return find(c.Inputs, name) }

// Output returns the output of a name.
func (c Contract) Output(name string) (Param, bool) { return find(c.Outputs, name) }

func find(params []Param, name string) (Param, bool) {
	for _, p := range params {
		if p.Name == name {
			return p, true
		}
	}
	return Param{}, false
}

// Of derives the contract of the stage that command calls from its Input struct
// (kong's field tags: name, help, required, default) and its Output struct (tags
// output and help). It panics on a struct that kong cannot read: a programming
// error that every test of the program detects.
func Of[I, O any](command ...string) Contract {
	var in I
	app, err := kong.New(&in, kong.Name(command[0]), kong.NoDefaultHelp(), kong.DefaultEnvars(EnvPrefix))
	if err != nil {
		panic(fmt.Sprintf("contract of %v: %v", command, err))
	}
	var inputs []Param
	for _, flag := range app.Model.Flags {
		inputs = append(inputs, Param{
			Name: flag.Name, Env: first(flag.Envs), Help: flag.Help, Required: flag.Required, Default: flag.Default,
		})
	}
	return Contract{Command: command, Inputs: inputs, Outputs: outputs(reflect.TypeFor[O]())}
}

// first returns the variable that the contract names; a flag may also read the
// environment's own, such as AWS_REGION.
func first(envs []string) string {
	if len(envs) == 0 {
		return ""
	}
	return envs[0]
}

func outputs(t reflect.Type) []Param {
	var params []Param
	for _, field := range reflect.VisibleFields(t) {
		if name, ok := field.Tag.Lookup("output"); ok {
			params = append(params, Param{Name: name, Help: field.Tag.Get("help")})
		}
	}
	return params
}
