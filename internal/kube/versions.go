package kube

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// keepVersions is how long a version of the template is kept after the Sensor
// stopped using it: a day longer than the seven days that a run can last.
const keepVersions = 8 * 24 * time.Hour

// historyManager owns the annotation with earlier versions on the Sensor, so that applying
// the rendered Sensor does not change it.
const historyManager = FieldManager + "-history"

// Taken returns a function that reports whether the cluster has a version of the
// template with this name and another content.
func (c Cluster) Taken(ctx context.Context, namespace string) func(name, digest string) bool {
	return func(version, digest string) bool {
		u := reference(manifest.Object{Kind: "WorkflowTemplate", Namespace: namespace, Name: version})
		found, err := c.live(ctx, u)
		// A version that cannot be read is not avoided; applying it reports the error.
		return err == nil && found != nil && found.GetAnnotations()[manifest.AnnotationDigest] != digest
	}
}

// versionInUse names the version that the Sensor submits now; "" is none.
func (c Cluster) versionInUse(ctx context.Context, set objects) (string, error) {
	sensor := set.one("Sensor")
	if sensor == nil {
		return "", nil
	}
	found, err := c.live(ctx, sensor)
	if err != nil || found == nil {
		return "", err
	}
	return found.GetAnnotations()[manifest.AnnotationTemplate], nil
}

// retire records on the Sensor which version it stopped using and when, and removes
// versions that no run can need any more.
func (c Cluster) retire(ctx context.Context, set objects, previous string) ([]manifest.Change, error) {
	sensor, template := set.one("Sensor"), set.one("WorkflowTemplate")
	if sensor == nil || template == nil {
		return nil, nil
	}
	found, err := c.live(ctx, sensor)
	if err != nil || found == nil {
		return nil, err
	}
	earlier := earlierVersions(found)
	before := len(earlier)
	_, known := earlier[template.GetName()]
	delete(earlier, template.GetName()) // it is in use again
	if previous != template.GetName() && sameTemplate(previous, template.GetName()) {
		earlier[previous] = c.now()
	}
	changes, err := c.removeVersions(ctx, template, earlier)
	if err != nil || (len(changes) == 0 && len(earlier) == before && !known) {
		return changes, err
	}
	return changes, c.remember(ctx, sensor, earlier)
}

// sameTemplate reports whether two versions are of one template: the pipeline has no
// permission for versions of a template that was renamed.
func sameTemplate(one, other string) bool {
	return strings.HasPrefix(one, strings.TrimRight(other, "0123456789abcdef")) && len(one) == len(other)
}

// removeVersions removes the versions that are old enough, from earlier too.
func (c Cluster) removeVersions(ctx context.Context, template *unstructured.Unstructured, earlier map[string]time.Time) ([]manifest.Change, error) {
	var changes []manifest.Change
	for version, retired := range earlier {
		if c.now().Sub(retired) < keepVersions {
			continue
		}
		u := reference(manifest.Object{Kind: "WorkflowTemplate", Namespace: template.GetNamespace(), Name: version})
		if _, err := c.remove(ctx, u); err != nil {
			return changes, err
		}
		delete(earlier, version)
		changes = append(changes, manifest.Change{Object: name(u), Action: manifest.Removed})
	}
	return changes, nil
}

// earlierVersions reads the annotation; an invalid one is empty.
func earlierVersions(sensor *unstructured.Unstructured) map[string]time.Time {
	earlier := map[string]time.Time{}
	_ = json.Unmarshal([]byte(sensor.GetAnnotations()[manifest.AnnotationEarlier]), &earlier)
	return earlier
}

func (c Cluster) remember(ctx context.Context, sensor *unstructured.Unstructured, earlier map[string]time.Time) error {
	text, err := json.Marshal(earlier)
	if err != nil {
		return err
	}
	memory := reference(manifest.Object{Kind: sensor.GetKind(), Namespace: sensor.GetNamespace(), Name: sensor.GetName()})
	memory.SetAnnotations(map[string]string{manifest.AnnotationEarlier: string(text)})
	_, err = c.resource(memory).Apply(ctx, memory.GetName(), memory, metav1.ApplyOptions{FieldManager: historyManager, Force: true})
	if err != nil {
		return explain(sensor, err)
	}
	return nil
}
