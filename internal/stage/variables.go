package stage

import (
	"os"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// variables are the environment variables of flags, for their help.
type variables map[*kong.Value][]string

// leaveOutEmpty makes the parser ignore empty variables: Argo passes an optional
// parameter without a value as an empty string, which is not a valid number,
// duration or enum value.
func (v variables) leaveOutEmpty(k *kong.Kong) error {
	return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
		if flag, is := node.(*kong.Flag); is {
			v[flag.Value] = flag.Tag.Envs
			if err := refuseEmpty(flag); err != nil {
				return err
			}
			flag.Tag.Envs = slices.DeleteFunc(slices.Clone(flag.Tag.Envs), func(name string) bool {
				value, set := os.LookupEnv(name)
				return set && value == ""
			})
		}
		return next(nil)
	})
}

// refuseEmpty refuses an empty variable of a flag with the tag nonempty: a run that
// passes it must have a value.
func refuseEmpty(flag *kong.Flag) error {
	if !flag.Tag.Has("nonempty") {
		return nil
	}
	for _, name := range flag.Tag.Envs {
		if value, set := os.LookupEnv(name); set && value == "" {
			return errs.Invalidf("the variable %s is empty", name).WithHint("start the run again, by a push or with all parameters; by hand, unset it")
		}
	}
	return nil
}

// help lists all variables of a flag, including empty ones.
func (v variables) help(value *kong.Value) string {
	tag, whole := *value.Tag, *value
	if names := v[value]; names != nil {
		tag.Envs = names
	}
	whole.Tag = &tag
	return kong.DefaultHelpValueFormatter(&whole)
}
