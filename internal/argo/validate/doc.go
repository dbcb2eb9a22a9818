// Package validate checks the rendered objects as a cluster does: with the validation and
// parameter substitution of Argo Workflows, the filters and parameters of Argo Events, and
// the schemas of the resources.
//
// It is a separate module, as these validators depend on some 1,500 packages. It has tests
// only, and reads the golden files of package argo:
//
//	cd internal/argo/validate && go test ./...
package validate
