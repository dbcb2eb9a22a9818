package environment

import (
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/assembly"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/fault"
)

// choose finds the stack of the app that a stack of the configuration means in
// an environment. Among the stacks for the environment's account, those whose
// name or path begins with the environment's name ("dev-Api", "Dev/Api") come
// before those of just that name, path or id, and among equals those in the
// environment's region come first. More than one left is an error.
func choose(a *assembly.Assembly, name string, env config.Environment) (assembly.Stack, error) {
	var prefixed, exact, elsewhere []assembly.Stack
	for _, stack := range a.Stacks {
		byPrefix, byName := hasPrefixedName(stack, env.Name, name), hasName(stack, name)
		switch {
		case !byPrefix && !byName:
		case stack.Environment.Account != "" && stack.Environment.Account != env.Account:
			elsewhere = append(elsewhere, stack)
		case byPrefix:
			prefixed = append(prefixed, stack)
		default:
			exact = append(exact, stack)
		}
	}
	for _, tier := range [][]assembly.Stack{prefixed, exact} {
		if found := inRegion(tier, env.Region); len(found) == 1 {
			return found[0], nil
		} else if len(found) > 1 {
			return assembly.Stack{}, fault.Invalidf("%q means %s in environment %s", name, paths(found), env.Name).
				WithHint("name it in the configuration by its full name in CloudFormation: %s", names(found))
		}
	}
	if len(elsewhere) > 0 {
		return assembly.Stack{}, fault.Invalidf("%q is %s, but environment %s is account %s", name, places(elsewhere), env.Name, env.Account).
			WithHint("give the stack the account and region of CDK_DEFAULT_ACCOUNT and CDK_DEFAULT_REGION, which the app finds in its environment")
	}
	err := a.NotFound(name)
	return assembly.Stack{}, fault.Invalidf("%w", err).WithHint("%s", hintOf(err))
}

func hasName(stack assembly.Stack, name string) bool {
	return stack.Name == name || stack.Path == name || stack.ID == name
}

func hasPrefixedName(stack assembly.Stack, env, name string) bool {
	return strings.EqualFold(stack.Name, env+"-"+name) || strings.EqualFold(stack.Path, env+"/"+name) || strings.EqualFold(stack.Path, env+"-"+name)
}

// inRegion narrows stacks down to those of the region, if there are any.
func inRegion(stacks []assembly.Stack, region string) []assembly.Stack {
	there := slices.DeleteFunc(slices.Clone(stacks), func(s assembly.Stack) bool {
		return s.Environment.Region != region && s.Environment.Region != ""
	})
	if len(there) > 0 {
		return there
	}
	return stacks
}

func paths(stacks []assembly.Stack) string {
	var list []string
	for _, stack := range stacks {
		list = append(list, stack.Path)
	}
	return strings.Join(list, " and ")
}

func names(stacks []assembly.Stack) string {
	var list []string
	for _, stack := range stacks {
		list = append(list, stack.Name)
	}
	return strings.Join(list, " or ")
}

func places(stacks []assembly.Stack) string {
	var list []string
	for _, stack := range stacks {
		list = append(list, stack.Path+" for "+stack.Environment.String())
	}
	return strings.Join(list, " and ")
}
