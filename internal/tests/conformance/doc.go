// Package conformance compares the deployer with the CDK CLI. The same app is
// deployed to one simulated cloud with the unmodified `cdk deploy` and to another
// with our deployer, and the two clouds must be equal. It also runs the CLI
// through everything that the simulator supports, and gives the deployer invalid
// input.
//
// The tests run whole programs. The slow ones run when CONFORMANCE=all is set, as
// `make conformance` does. docs/cdk-parity.md lists what is compared, and by
// which test.
package conformance
