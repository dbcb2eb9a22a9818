// Package validate4 checks the rendered objects as a cluster with Argo Workflows 4 does: with
// its validation, its substitution of parameters and the schemas of its resources. Package
// validate does so with Argo Workflows 3 and Argo Events.
//
// It is a separate module, as each validator depends on some 1,500 packages. It has tests
// only, and reads the golden files of package argo:
//
//	cd internal/argo/validate4 && go test ./...
package validate4
