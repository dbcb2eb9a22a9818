// Package synth turns a CDK app into a cloud assembly by running the app's own
// command, as `cdk synth` does but without the CDK CLI. Templates come out
// byte for byte as the CLI's. The CLI itself is run only to look up context
// values that the app needs and that nobody has committed.
package synth
