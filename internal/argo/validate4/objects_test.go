package validate4

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	wfv1 "github.com/argoproj/argo-workflows/v4/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v4/util/logging"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// object is one document of a stream.
type object struct {
	kind string
	text []byte
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

func split(t *testing.T, stream []byte) (objects []object) {
	t.Helper()
	for _, text := range bytes.Split(stream, []byte("\n---\n")) {
		var head struct{ Kind string }
		require.NoError(t, yaml.Unmarshal(text, &head))
		objects = append(objects, object{head.Kind, text})
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

// templateOf reads the template that every configuration has.
func templateOf(t *testing.T, objects []object) *wfv1.WorkflowTemplate {
	t.Helper()
	template, found := decode[wfv1.WorkflowTemplate](t, objects, "WorkflowTemplate")
	require.True(t, found)
	return &template
}

// submitted returns the Workflows that the Sensor creates: none without a repository.
func submitted(t *testing.T, objects []object) (runs []object) {
	t.Helper()
	var sensor struct {
		Spec struct {
			Triggers []struct {
				Template struct {
					K8s struct{ Source struct{ Resource any } }
				}
			}
		}
	}
	for _, o := range objects {
		if o.kind != "Sensor" {
			continue
		}
		require.NoError(t, yaml.Unmarshal(o.text, &sensor))
		for _, trigger := range sensor.Spec.Triggers {
			text, err := yaml.Marshal(trigger.Template.K8s.Source.Resource)
			require.NoError(t, err)
			runs = append(runs, object{"Workflow", text})
		}
	}
	return runs
}

// probeOf is the Workflow that has a new version of the template validated before
// anything points to it.
func probeOf(template *wfv1.WorkflowTemplate) *wfv1.Workflow {
	suspended := true
	probe := &wfv1.Workflow{Spec: wfv1.WorkflowSpec{WorkflowTemplateRef: &wfv1.WorkflowTemplateRef{Name: template.Name}, Suspend: &suspended}}
	for _, parameter := range template.Spec.Arguments.Parameters {
		probe.Spec.Arguments.Parameters = append(probe.Spec.Arguments.Parameters, wfv1.Parameter{Name: parameter.Name, Value: wfv1.AnyStringPtr("none")})
	}
	return probe
}

// resumes is the Workflow of a run that another one handed over to.
func resumes(run *wfv1.Workflow) *wfv1.Workflow {
	resumed := run.DeepCopy()
	resumed.Name += "-h"
	resumed.Spec.Entrypoint = "resume"
	for name, value := range map[string]string{"artifact": "0123/4567.tar.zst", "digest": "sha256:4567", "config-digest": "sha256:89", "gates": "staging prod", "origin": run.Name} {
		resumed.Spec.Arguments.Parameters = append(resumed.Spec.Arguments.Parameters, wfv1.Parameter{Name: name, Value: wfv1.AnyStringPtr(value)})
	}
	return resumed
}

// templates is a cluster that has one template.
type templates struct{ *wfv1.WorkflowTemplate }

func (s templates) Get(_ context.Context, name string) (*wfv1.WorkflowTemplate, error) {
	if name != s.Name {
		return nil, fmt.Errorf("there is no template %q", name)
	}
	return s.WorkflowTemplate, nil
}

// logged returns a context with the logger that Argo requires.
func logged(t *testing.T) context.Context {
	t.Helper()
	return logging.TestContext(t.Context())
}

// large returns the objects of 200 environments in waves of three, as the generator prints them.
func large(t *testing.T) []object {
	t.Helper()
	program := filepath.Join(t.TempDir(), "generator")
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, "./cmd/generator")
	build.Dir = "../../.."
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))

	text := "version: \"1.0\"\ngithubOwner: my-org\ngithubRepo: my-app\nclusterName: company\nenvironments:\n"
	for number := range 200 {
		var after []string
		for before := number/3*3 - 3; before >= 0 && before < number/3*3; before++ {
			after = append(after, fmt.Sprintf("env-%03d", before))
		}
		text += fmt.Sprintf("  - {name: env-%03d, account: \"%012d\", region: eu-west-1, after: [%s], requiresApproval: true, stacks: [{name: Api, path: lib}],\n"+
			"     tests: {commands: [npm test]}, hooks: {preDeploy: [a], postDeploy: [b]}}\n", number, 100+number, strings.Join(after, ", "))
	}
	file := filepath.Join(t.TempDir(), "aphex-config.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	render := exec.Command(program, "render", "-c", file)
	var problems bytes.Buffer
	render.Stderr = &problems
	stream, err := render.Output()
	require.NoError(t, err, problems.String())
	return split(t, stream)
}
