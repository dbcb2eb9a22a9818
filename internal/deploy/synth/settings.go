package synth

import "encoding/json"

// Settings are what cdk.json says about deploying, beside synthesizing.
type Settings struct {
	// Tags are those of every stack, in place of the stack's own; nil leaves the stacks theirs.
	Tags         map[string]string
	ToolkitStack string // name of the bootstrap stack
}

// defaultToolkitStack is how `cdk bootstrap` names its stack unless told otherwise.
const defaultToolkitStack = "CDKToolkit"

// ReadSettings reads what cdk.json of the app in the workspace top says about deploying, or else
// .cdk.json in the home of the environment, as the CLI does.
func ReadSettings(top, app string, env []string) (Settings, error) {
	project, _, err := readSettings(top, app, lookup(env, "HOME"))
	if err != nil {
		return Settings{}, err
	}
	s := Settings{Tags: project.Tags, ToolkitStack: project.ToolkitStack}
	if s.ToolkitStack == "" {
		s.ToolkitStack = defaultToolkitStack
	}
	return s, nil
}

// tags are a list of objects in JSON, with the names of CloudFormation's API.
// Of anything else the CLI takes no notice, nor of an empty list.
type tags map[string]string

func (t *tags) UnmarshalJSON(src []byte) error {
	var list []struct{ Key, Value string }
	if json.Unmarshal(src, &list) != nil || len(list) == 0 {
		return nil
	}
	*t = tags{}
	for _, tag := range list {
		(*t)[tag.Key] = tag.Value
	}
	return nil
}

// debugging are the variables with which the CLI asks an app for stack traces.
func (s settings) debugging(env []string) []string {
	switch {
	case !s.Debug:
		return nil
	case lookup(env, "JSII_HOST_STACK_TRACES") == "":
		return []string{"CDK_DEBUG=true", "JSII_HOST_STACK_TRACES=1"}
	}
	return []string{"CDK_DEBUG=true"}
}
