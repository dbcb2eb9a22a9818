package synth

import (
	"context"
	"encoding/json"
)

// Settings are the keys of cdk.json for deployments.
type Settings struct {
	// Tags replace the tags of every stack; nil keeps the stacks' own.
	Tags         map[string]string
	ToolkitStack string // name of the bootstrap stack
}

// defaultToolkitStack is the default name of the bootstrap stack.
const defaultToolkitStack = "CDKToolkit"

// ReadSettings reads the settings in the app's cdk.json, or else in .cdk.json of
// the home folder, as the CLI does.
func ReadSettings(ctx context.Context, o Options) (Settings, error) {
	project, _, err := o.readSettings(ctx)
	if err != nil {
		return Settings{}, err
	}
	s := Settings{Tags: project.Tags, ToolkitStack: project.ToolkitStack}
	if s.ToolkitStack == "" {
		s.ToolkitStack = defaultToolkitStack
	}
	return s, nil
}

// tags are a JSON list of objects with Key and Value. Like the CLI, it ignores
// anything else, and an empty list.
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

// debugging returns the variables that make an app record stack traces.
func (s settings) debugging(env []string) []string {
	switch {
	case !s.Debug:
		return nil
	case lookup(env, "JSII_HOST_STACK_TRACES") == "":
		return []string{"CDK_DEBUG=true", "JSII_HOST_STACK_TRACES=1"}
	}
	return []string{"CDK_DEBUG=true"}
}
