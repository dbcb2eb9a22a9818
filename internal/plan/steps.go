package plan

import (
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
)

const deployPrefix = "deploy-"

// Deploy returns the name of the step that deploys an environment.
func Deploy(environment string) string { return deployPrefix + environment }

// DeployedBy returns the environment that a step deploys, or "".
func DeployedBy(step string) string {
	environment, _ := strings.CutPrefix(step, deployPrefix)
	if environment == step {
		return ""
	}
	return environment
}

const waitPrefix = "gate-"

// Wait returns the name of the step that waits until the gates of an environment open.
func Wait(environment string) string { return waitPrefix + environment }

// WaitedFor returns the environment whose gates a step waits for, or "".
func WaitedFor(step string) string {
	environment, _ := strings.CutPrefix(step, waitPrefix)
	if environment == step {
		return ""
	}
	return environment
}

// Test returns the name of the step that tests an environment.
func Test(environment string) string { return "test-" + environment }

const suspendPrefix = "approve-"

// Suspended returns the environment whose approval a suspended step waits for, or "". Templates of
// earlier versions have such steps, which Argo resumes.
func Suspended(step string) string {
	environment, _ := strings.CutPrefix(step, suspendPrefix)
	if environment == step {
		return ""
	}
	return environment
}

// Last returns the name of the final step of an environment, which later environments wait for.
func Last(env config.Environment) string {
	if env.Tests != nil {
		return Test(env.Name)
	}
	return Deploy(env.Name)
}
