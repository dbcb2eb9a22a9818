// Package bootstrap is what `cdk bootstrap` leaves in an environment: the
// names of its resources, by which a call that uses them is recognised, and a
// template that makes them.
//
// The template is the simulator's own. Names, parameters, outputs, trust and
// rights are those of the CDK's, so that the CDK CLI can update a stack made
// here; keys, boundaries and custom names of buckets are left out.
package bootstrap
