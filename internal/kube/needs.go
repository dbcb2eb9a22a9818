package kube

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Need is an object of others that the pods of a pipeline name: a pod waits for it, or is
// refused without it.
type Need struct {
	Kind      string // PriorityClass, StorageClass, ConfigMap or Secret
	Namespace string // empty for an object of the whole cluster
	Name      string
	Key       string // of a ConfigMap
	Setting   string // key of the configuration that names it
}

var needed = map[string]schema.GroupVersionResource{
	"PriorityClass": {Group: "scheduling.k8s.io", Version: "v1", Resource: "priorityclasses"},
	"StorageClass":  {Group: "storage.k8s.io", Version: "v1", Resource: "storageclasses"},
	"ConfigMap":     {Version: "v1", Resource: "configmaps"},
	"Secret":        {Version: "v1", Resource: "secrets"},
}

// checkNeed looks for an object that pods name. A Secret that is missing is a warning:
// Kubernetes pulls without it, and the image may be public.
func (c Cluster) checkNeed(ctx context.Context, n Need) Check {
	check := Check{What: fmt.Sprintf("%s %s (%s)", n.Kind, n.Name, n.Setting)}
	if n.Namespace != "" {
		check.What = fmt.Sprintf("%s %s in namespace %s (%s)", n.Kind, n.Name, n.Namespace, n.Setting)
	}
	found, err := c.Client.Resource(needed[n.Kind]).Namespace(n.Namespace).Get(ctx, n.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		check.Problem, check.Warning = "it does not exist", n.Kind == "Secret"
		check.Fix = "create it, or change " + n.Setting
	case err != nil:
		check.Problem, check.Warning, check.Fix = "cannot read it: "+err.Error(), true, "check that it exists: pods depend on it"
	case n.Key != "":
		if _, has, _ := unstructured.NestedString(found.Object, "data", n.Key); !has {
			check.Problem, check.Fix = "it has no key "+n.Key, "add the key, or change "+n.Setting
		}
	}
	return check
}
