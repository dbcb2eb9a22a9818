// Package install installs a pipeline: its stack in an AWS account, and its
// webhook secret and objects in a Kubernetes cluster. Each verb is one function:
//
//   - [Check] checks that the account and the cluster have what a pipeline needs.
//   - [Bootstrap] checks, and installs the stack, the secret and the objects.
//   - [Diff] compares the objects with the cluster.
//   - [Apply] updates the objects in the cluster.
//   - [Delete] removes the objects, and the stack and the bucket if requested.
//
// A verb uses the cluster session and the AWS configuration of its [Target], reports
// progress to a [Reporter], and prints nothing itself. A verb that failed or was
// interrupted can be run again: existing objects stay as they are.
package install
