package kube

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// pollEvery is the interval between checks of a controller's work.
const pollEvery = 200 * time.Millisecond

// settle waits until the controller of a kind has accepted the object. It undoes a refused
// change: a new version of the template is removed, and the Sensor is restored.
func (c Cluster) settle(ctx context.Context, u, before *unstructured.Unstructured, current string) error {
	switch u.GetKind() {
	case "WorkflowTemplate":
		if u.GetName() == current {
			return nil
		}
		err := c.acceptTemplate(ctx, u)
		if err != nil && before == nil {
			_, _ = c.remove(context.WithoutCancel(ctx), u)
		}
		return err
	case "EventSource", "Sensor":
		err := c.acceptConditions(ctx, u)
		if err != nil && before != nil && !errs.IsTemporary(err) {
			_ = c.putBack(context.WithoutCancel(ctx), before)
		}
		return err
	case "Secret":
		return c.awaitToken(ctx, u)
	}
	return nil
}

// awaitToken waits until Kubernetes has written the token of a ServiceAccount into its
// Secret: pods that mount it before do not start.
func (c Cluster) awaitToken(ctx context.Context, secret *unstructured.Unstructured) error {
	if kind, _, _ := unstructured.NestedString(secret.Object, "type"); kind != tokenSecret {
		return nil
	}
	return c.poll(ctx, secret, "Kubernetes has not written a token into "+name(secret), func(found *unstructured.Unstructured) (bool, error) {
		return hasToken(found), nil
	})
}

// tokenSecret is the type of a Secret that holds the token of a ServiceAccount.
const tokenSecret = "kubernetes.io/service-account-token"

func hasToken(secret *unstructured.Unstructured) bool {
	token, _, _ := unstructured.NestedString(secret.Object, "data", "token")
	return token != ""
}

// acceptTemplate makes the workflow controller of this cluster validate the template: the
// controller validates all that a new Workflow refers to. The Workflow is suspended, so
// that none of its steps runs, and is removed at once. A controller at its limit of
// parallel workflows says Pending and does not validate; waiting for a slot could mean
// waiting for the run that waits here.
//
// The controller's cache of templates may be behind: if it does not find the template, the
// validation is repeated.
func (c Cluster) acceptTemplate(ctx context.Context, template *unstructured.Unstructured) error {
	until := time.Now().Add(c.patience())
	for {
		refused, err := c.validate(ctx, template)
		switch {
		case err != nil || refused == "":
			return err
		case !strings.HasSuffix(refused, `"`+template.GetName()+`" not found`) || time.Now().After(until):
			return errs.Failedf("Argo refuses %s: %s", name(template), refused).
				WithHint("check that this version of the pipeline supports the version of Argo Workflows in the cluster")
		}
		select {
		case <-time.After(pollEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// validate makes the controller validate the template once, and returns its refusal.
func (c Cluster) validate(ctx context.Context, template *unstructured.Unstructured) (refused string, err error) {
	probe := probeOf(template)
	defer func() { _, _ = c.remove(context.WithoutCancel(ctx), probe) }()
	if _, err := c.apply(ctx, probe); err != nil {
		return "", explain(probe, err)
	}
	err = c.poll(ctx, probe, "Argo Workflows has not validated "+name(template), func(found *unstructured.Unstructured) (bool, error) {
		phase, _, _ := unstructured.NestedString(found.Object, "status", "phase")
		if phase == "Failed" || phase == "Error" {
			refused, _, _ = unstructured.NestedString(found.Object, "status", "message")
			refused = cmp.Or(refused, "it gives no reason")
		}
		return phase != "", nil
	})
	return refused, err
}

// probeOf returns the Workflow that makes the controller validate a template. Its name is
// the template's, which the pipeline is permitted to use. Parameters with a value of their
// own keep it: one of them says what a person wants of a run, and nobody wants this one.
func probeOf(template *unstructured.Unstructured) *unstructured.Unstructured {
	var parameters []any
	declared, _, _ := unstructured.NestedSlice(template.Object, "spec", "arguments", "parameters")
	for _, parameter := range declared {
		mapping, ok := parameter.(map[string]any)
		if _, has := mapping["value"]; ok && !has {
			parameters = append(parameters, map[string]any{"name": mapping["name"], "value": "none"})
		}
	}
	probe := reference(manifest.Object{Kind: "Workflow", Namespace: template.GetNamespace(), Name: template.GetName()})
	probe.SetLabels(template.GetLabels())
	probe.Object["spec"] = map[string]any{
		"workflowTemplateRef": map[string]any{"name": template.GetName()},
		"suspend":             true,
		"arguments":           map[string]any{"parameters": parameters},
	}
	return probe
}

// acceptConditions waits until all conditions of the object are true. A false one may
// still become true while other parts start, so that only a timeout ends the wait.
func (c Cluster) acceptConditions(ctx context.Context, u *unstructured.Unstructured) error {
	refused := ""
	err := c.poll(ctx, u, "Argo Events has not accepted "+name(u), func(found *unstructured.Unstructured) (accepted bool, err error) {
		accepted, refused = conditionsOf(found)
		return accepted, nil
	})
	if err != nil && refused != "" && ctx.Err() == nil {
		return errs.Failedf("Argo Events refuses %s: %s", name(u), refused)
	}
	return err
}

// conditionsOf reads the conditions of an object of Argo Events.
func conditionsOf(u *unstructured.Unstructured) (accepted bool, refused string) {
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	accepted = len(conditions) > 0
	for _, condition := range conditions {
		mapping, _ := condition.(map[string]any)
		accepted = accepted && mapping["status"] == "True"
		if mapping["status"] == "False" {
			refused = fmt.Sprintf("%v: %v %v", mapping["type"], mapping["reason"], mapping["message"])
		}
	}
	return accepted, refused
}

// poll reads an object until done returns true. A timeout is a temporary error: the
// controller may be restarting.
func (c Cluster) poll(ctx context.Context, u *unstructured.Unstructured, late string, done func(*unstructured.Unstructured) (bool, error)) error {
	waiting, cancel := context.WithTimeout(ctx, c.patience())
	defer cancel()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		found, err := c.resource(u).Get(waiting, u.GetName(), metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) && waiting.Err() == nil {
			return explain(u, err)
		}
		if err == nil {
			if finished, err := done(found); finished || err != nil {
				return err
			}
		}
		select {
		case <-ticker.C:
		case <-waiting.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return errs.Temporaryf("%s within %s", late, c.patience()).
				WithHint("check that its controller is running: kubectl get pods -A")
		}
	}
}

// putBack restores an object to its previous state.
func (c Cluster) putBack(ctx context.Context, before *unstructured.Unstructured) error {
	old := reference(manifest.Object{Kind: before.GetKind(), Namespace: before.GetNamespace(), Name: before.GetName()})
	old.SetLabels(before.GetLabels())
	annotations := before.GetAnnotations()
	delete(annotations, manifest.AnnotationEarlier) // owned by another manager
	old.SetAnnotations(annotations)
	old.Object["spec"] = before.Object["spec"]
	_, err := c.resource(old).Apply(ctx, old.GetName(), old, metav1.ApplyOptions{FieldManager: FieldManager, Force: true})
	return err
}
