// Package cfn brings one CloudFormation stack to one template and tells what
// happens on the way. It starts from any state that a stack can be in, joins an
// operation that is already under way, does nothing when nothing changed, and
// names the first cause when something fails.
//
// A deployment is decided by pure functions (what state is this, must anything
// change, which parameters are sent, what was the cause) and carried out by a
// Deployer, which talks to CloudFormation.
package cfn
