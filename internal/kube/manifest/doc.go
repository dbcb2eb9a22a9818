// Package manifest represents Kubernetes objects as YAML: those that a pipeline
// renders, that are applied to a cluster, or that a local run keeps in a folder.
package manifest
