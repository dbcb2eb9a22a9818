// Package validate checks the rendered objects as a cluster does: the validation of Argo Workflows, the substitution of its parameters, the
// filters and parameters of Argo Events, and the schemas of the resources.
//
// It is a module of its own, as these validators depend on some 1,500 packages.
// It has tests only, and reads the golden files of package argo:
//
//	cd internal/argo/validate && go test ./...
package validate
