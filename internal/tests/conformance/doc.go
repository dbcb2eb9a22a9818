// Package conformance judges the deployer by the CDK CLI. The same app goes into
// one simulated cloud with the unmodified `cdk deploy` and into another with our
// deployer, and the two clouds must come out equal. It also runs the CLI through
// everything the simulator promises it, and gives the deployer bad input.
//
// The tests run whole programs. Those that are too slow for every day run when
// CONFORMANCE=all is set, as `make conformance` does. The table of what is held,
// and by which test, is docs/cdk-parity.md.
package conformance
