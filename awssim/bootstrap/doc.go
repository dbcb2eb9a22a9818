// Package bootstrap has the result of `cdk bootstrap`: the names of its resources, by which
// calls that use them are recognised, and a template that creates them.
//
// The template is the simulator's own, with the names, parameters, outputs, trust policies
// and permissions of the CDK's template, so that the CDK CLI can update its stack. Keys,
// boundaries and custom bucket names are left out.
package bootstrap
