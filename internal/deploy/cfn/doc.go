// Package cfn deploys one template to one CloudFormation stack and reports the
// progress. It starts from any state that a stack can be in, joins an operation
// that is already in progress, does nothing if nothing changed, and names the
// first cause if something fails.
//
// Pure functions decide about a deployment (what state is this, must anything
// change, which parameters are sent, what was the cause); [Deploy] carries it out.
package cfn
