package validate

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"sigs.k8s.io/yaml"
)

// moduleDir finds where the sources of a module lie.
func moduleDir(module string) (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	return strings.TrimSpace(string(out)), err
}

// check validates one object.
type check func(t *testing.T, o object)

// checks are the validators of every kind that is rendered: of Argo Workflows the
// full CRDs, of Argo Events its published JSON Schema, as its CRDs have none, and
// of the others Kubernetes' own types.
var checks = sync.OnceValues(func() (map[string]check, error) {
	workflows, err := moduleDir("github.com/argoproj/argo-workflows/v3")
	if err != nil {
		return nil, err
	}
	events, err := moduleDir("github.com/argoproj/argo-events")
	if err != nil {
		return nil, err
	}
	all := map[string]check{
		"ServiceAccount": typed(func() any { return &corev1.ServiceAccount{} }), "Service": typed(func() any { return &corev1.Service{} }),
		"Role": typed(func() any { return &rbacv1.Role{} }), "RoleBinding": typed(func() any { return &rbacv1.RoleBinding{} }),
		"Secret": typed(func() any { return &corev1.Secret{} }), "NetworkPolicy": typed(func() any { return &networkingv1.NetworkPolicy{} }),
		"ValidatingAdmissionPolicy":        typed(func() any { return &admissionv1.ValidatingAdmissionPolicy{} }),
		"ValidatingAdmissionPolicyBinding": typed(func() any { return &admissionv1.ValidatingAdmissionPolicyBinding{} }),
	}
	for kind, file := range map[string]string{"WorkflowTemplate": "workflowtemplates", "CronWorkflow": "cronworkflows"} {
		if all[kind], err = crd(filepath.Join(workflows, "manifests/base/crds/full/argoproj.io_"+file+".yaml")); err != nil {
			return nil, err
		}
	}
	for _, kind := range []string{"Sensor", "EventSource"} {
		if all[kind], err = published(filepath.Join(events, "api/jsonschema/schema.json"), kind); err != nil {
			return nil, err
		}
	}
	return all, nil
})

// typed reads an object strictly: an unknown field is an error.
func typed(empty func() any) check {
	return func(t *testing.T, o object) {
		t.Helper()
		assert.NoError(t, yaml.UnmarshalStrict(o.text, empty()), "%s %s", o.kind, o.name)
	}
}

// crd validates as the API server does that has the CRD: by its OpenAPI schema,
// and with the fields that it would drop because it does not know them.
func crd(file string) (check, error) {
	props, err := schemaOf(file)
	if err != nil {
		return nil, err
	}
	validator, _, err := validation.NewSchemaValidator(props)
	if err != nil {
		return nil, err
	}
	structural, err := schema.NewStructural(props)
	return func(t *testing.T, o object) {
		t.Helper()
		var content map[string]any
		require.NoError(t, yaml.Unmarshal(o.text, &content))
		assert.Empty(t, validation.ValidateCustomResource(nil, content, validator), "%s %s", o.kind, o.name)
		dropped := pruning.PruneWithOptions(content, structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
		assert.Empty(t, dropped, "%s %s", o.kind, o.name)
	}, err
}

func schemaOf(file string) (*apiextensions.JSONSchemaProps, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &definition); err != nil {
		return nil, err
	}
	var props apiextensions.JSONSchemaProps
	return &props, apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(definition.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil)
}

// published validates with a definition of a JSON Schema.
func published(file, kind string) (check, error) {
	definition, err := jsonschema.NewCompiler().Compile("file://" + file + "#/definitions/io.argoproj.events.v1alpha1." + kind)
	return func(t *testing.T, o object) {
		t.Helper()
		text, err := yaml.YAMLToJSON(o.text)
		require.NoError(t, err)
		content, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
		require.NoError(t, err)
		assert.NoError(t, definition.Validate(content), "%s %s", o.kind, o.name)
	}, err
}

// checkSchemas validates all objects, and returns their kinds.
func checkSchemas(t *testing.T, objects []object) (kinds map[string]bool) {
	t.Helper()
	validators, err := checks()
	require.NoError(t, err)
	kinds = map[string]bool{}
	for _, o := range objects {
		require.Contains(t, validators, o.kind)
		validators[o.kind](t, o)
		kinds[o.kind] = true
	}
	return kinds
}

func TestEveryObjectFitsTheSchemaOfItsKind(t *testing.T) {
	seen := map[string]bool{}
	for name, objects := range golden(t) {
		t.Run(name, func(t *testing.T) {
			for kind := range checkSchemas(t, objects) {
				seen[kind] = true
			}
		})
	}
	assert.Len(t, seen, 12, "every kind is rendered for one of the configurations at least")
}

// TestTheSchemasRefuseWhatIsWrong keeps the test above from passing for nothing.
func TestTheSchemasRefuseWhatIsWrong(t *testing.T) {
	validators, err := checks()
	require.NoError(t, err)
	for _, o := range golden(t)["one-environment"] {
		var content map[string]any
		require.NoError(t, yaml.Unmarshal(o.text, &content))
		broken := "metadata"
		if spec, has := content["spec"].(map[string]any); has && o.kind != "Service" {
			spec["templates"], spec["dependencies"], spec["template"], spec["schedules"] = 1, 1, 1, 1
			broken = "spec"
		} else {
			content[broken] = map[string]any{"unknown": true}
		}
		text, err := yaml.Marshal(content)
		require.NoError(t, err)
		alone := &testing.T{}
		validators[o.kind](alone, object{o.kind, o.name, text})
		assert.True(t, alone.Failed(), "%s: %s", o.kind, broken)
	}
}
