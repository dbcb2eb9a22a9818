// Package manifest holds Kubernetes objects as text: what a pipeline renders,
// what a cluster is given, and what lies in a folder in place of a cluster.
package manifest
