package validate4

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"sigs.k8s.io/yaml"
)

// problems validates as the API server does that has the full CRD of Argo 4: by its OpenAPI
// schema, and with the fields that it would drop because it does not know them.
func problems(t *testing.T, props *apiextensions.JSONSchemaProps, content map[string]any) (found []string) {
	t.Helper()
	validator, _, err := validation.NewSchemaValidator(props)
	require.NoError(t, err)
	structural, err := schema.NewStructural(props)
	require.NoError(t, err)
	for _, problem := range validation.ValidateCustomResource(nil, content, validator) {
		found = append(found, problem.Error())
	}
	return append(found, pruning.PruneWithOptions(content, structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
}

func crd(t *testing.T, plural string) *apiextensions.JSONSchemaProps {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/argoproj/argo-workflows/v4").Output()
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "manifests/base/crds/full/argoproj.io_"+plural+".yaml"))
	require.NoError(t, err)
	var definition apiextensionsv1.CustomResourceDefinition
	require.NoError(t, yaml.Unmarshal(text, &definition))
	var props apiextensions.JSONSchemaProps
	require.NoError(t, apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(definition.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil))
	return &props
}

func TestEveryObjectFitsTheSchemaOfArgo4AndOneThatIsWrongDoesNot(t *testing.T) {
	schemas := map[string]*apiextensions.JSONSchemaProps{"WorkflowTemplate": crd(t, "workflowtemplates"), "CronWorkflow": crd(t, "cronworkflows"), "Workflow": crd(t, "workflows")}
	seen := map[string]int{}
	for name, objects := range golden(t) {
		objects = append(objects, submitted(t, objects)...)
		for _, o := range objects {
			if schemas[o.kind] == nil {
				continue
			}
			seen[o.kind]++
			var content map[string]any
			require.NoError(t, yaml.Unmarshal(o.text, &content))
			assert.Empty(t, problems(t, schemas[o.kind], content), "%s: %s", name, o.kind)
			content["spec"].(map[string]any)["unknown"] = "x"
			assert.NotEmpty(t, problems(t, schemas[o.kind], content), "%s: %s with an unknown field", name, o.kind)
			content["spec"] = "x"
			assert.NotEmpty(t, problems(t, schemas[o.kind], content), "%s: %s without a spec", name, o.kind)
		}
	}
	assert.Len(t, seen, 3)
}
