// Package validate holds what is rendered against the judges that a cluster
// has: the validation of Argo Workflows, the substitution of its parameters, the
// filters and parameters of Argo Events, and the schemas of the resources.
//
// It is a module of its own, as these judges weigh some fifteen hundred packages.
// It has tests only, and reads the golden files of package argo:
//
//	cd internal/argo/validate && go test ./...
package validate
