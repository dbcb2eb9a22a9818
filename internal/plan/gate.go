package plan

import (
	"slices"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// RequiresApproval reports whether the configuration of an environment requires an approval.
func RequiresApproval(env config.Environment) bool { return env.RequiresApproval }

// OpenIn returns the value of the output [NoApproval]: every environment that waits for no
// approval, with a comma before and after each, such as ",dev,test,". All others wait, so a
// missing output keeps all of them waiting.
func OpenIn(environments, waiting []string) string {
	return List(slices.DeleteFunc(slices.Clone(environments), func(name string) bool { return slices.Contains(waiting, name) }))
}

// List lists environments for a condition, with a comma before and after each, such as
// ",dev,test,"; "," is none.
func List(environments []string) string {
	list := ","
	for _, name := range environments {
		if name != "" {
			list += name + ","
		}
	}
	return list
}
