package validate

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	eventsv1 "github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// object is one document of a golden file.
type object struct {
	kind, name string
	text       []byte
}

// golden reads the objects of every golden configuration, by its name.
func golden(t *testing.T) map[string][]object {
	t.Helper()
	files, err := filepath.Glob("../testdata/golden/*/objects.yaml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 12)
	all := map[string][]object{}
	for _, file := range files {
		stream, err := os.ReadFile(file)
		require.NoError(t, err)
		all[filepath.Base(filepath.Dir(file))] = split(t, stream)
	}
	return all
}

// split splits a stream of YAML documents.
func split(t *testing.T, stream []byte) []object {
	t.Helper()
	var objects []object
	for _, text := range bytes.Split(stream, []byte("\n---\n")) {
		var head struct {
			Kind     string
			Metadata struct{ Name string }
		}
		require.NoError(t, yaml.Unmarshal(text, &head))
		objects = append(objects, object{head.Kind, head.Metadata.Name, text})
	}
	return objects
}

// decode reads the only object of a kind strictly; found reports whether there is one.
func decode[T any](t *testing.T, objects []object, kind string) (value T, found bool) {
	t.Helper()
	for _, o := range objects {
		if o.kind == kind {
			require.NoError(t, yaml.UnmarshalStrict(o.text, &value))
			return value, true
		}
	}
	return value, false
}

// templates is a cluster that has one template.
type templates struct{ *wfv1.WorkflowTemplate }

func (s templates) Get(name string) (*wfv1.WorkflowTemplate, error) {
	if name != s.Name {
		return nil, fmt.Errorf("there is no template %q", name)
	}
	return s.WorkflowTemplate, nil
}

// submitted returns the Workflow that a trigger of the Sensor creates.
func submitted(t *testing.T, sensor eventsv1.Sensor, trigger string) wfv1.Workflow {
	t.Helper()
	for _, one := range sensor.Spec.Triggers {
		if one.Template.Name == trigger {
			var workflow wfv1.Workflow
			require.NoError(t, yaml.UnmarshalStrict(one.Template.K8s.Source.Resource.Value, &workflow))
			return workflow
		}
	}
	t.Fatalf("there is no trigger %q", trigger)
	return wfv1.Workflow{}
}
