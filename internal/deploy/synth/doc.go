// Package synth synthesizes a CDK app by running its command, as `cdk synth` does
// but without the CDK CLI. The templates are byte for byte those of the CLI. The
// CLI itself is run only to look up context that is not committed.
package synth
