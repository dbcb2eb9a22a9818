package kube

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// User returns the name by which the API server knows whoever asks, as kubectl auth whoami does.
func (c Cluster) User(ctx context.Context) (string, error) {
	review := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": map[string]any{"creationTimestamp": nil},
	}}
	answer, err := c.Client.Resource(schema.GroupVersionResource{Group: "authentication.k8s.io", Version: "v1", Resource: "selfsubjectreviews"}).
		Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return "", explain(review, err)
	}
	user, _, _ := unstructured.NestedString(answer.Object, "status", "userInfo", "username")
	if user == "" {
		return "", errs.Failedf("the API server does not say who you are").WithHint("kubectl auth whoami")
	}
	return user, nil
}

// Denies reports whether a policy of the cluster denies an object, in a dry run. A refusal for
// another reason, such as a lack of permission, is none of the policy.
func (c Cluster) Denies(ctx context.Context, policy string, object manifest.Object) (bool, error) {
	set, err := parse([]manifest.Object{object})
	if err != nil {
		return false, err
	}
	_, err = c.resource(set[0]).Create(ctx, set[0], metav1.CreateOptions{FieldManager: FieldManager, DryRun: []string{metav1.DryRunAll}})
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return false, nil
	case errors.As(err, &status) && status.Status().Code >= http.StatusInternalServerError:
		return false, explain(set[0], err)
	case errors.As(err, &status):
		return strings.Contains(status.Status().Message, policyKind+" '"+policy+"'"), nil
	}
	return false, explain(set[0], err)
}

// requireParameters refuses a template that does not declare the parameters: that of an
// earlier version would run without regard to them.
func (c Cluster) requireParameters(ctx context.Context, workflow *unstructured.Unstructured, names []string) error {
	if len(names) == 0 {
		return nil
	}
	version, _, _ := unstructured.NestedString(workflow.Object, "spec", "workflowTemplateRef", "name")
	template := reference(manifest.Object{Kind: "WorkflowTemplate", Namespace: workflow.GetNamespace(), Name: version})
	found, err := c.live(ctx, template)
	if err != nil {
		return err
	}
	if found == nil {
		return errs.Invalidf("there is no %s in namespace %q", name(template), workflow.GetNamespace()).WithHint("generator apply installs it")
	}
	var declared []string
	parameters, _, _ := unstructured.NestedSlice(found.Object, "spec", "arguments", "parameters")
	for _, entry := range parameters {
		parameter, _ := entry.(map[string]any)
		called, _ := parameter["name"].(string)
		declared = append(declared, called)
	}
	for _, wanted := range names {
		if !slices.Contains(declared, wanted) {
			return errs.Invalidf("the installed pipeline, %s, is of a version that does not know the parameter %q of runs", name(template), wanted).
				WithHint("update it to this release: generator apply --images REGISTRY:TAG")
		}
	}
	return nil
}
