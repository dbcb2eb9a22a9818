package validate

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/yaml"
)

// content is an object as the API server sees it.
type content = map[string]any

// denial evaluates a policy as the API server does, and returns what it denies an object
// with; "" admits it.
func denial(t *testing.T, policy admissionv1.ValidatingAdmissionPolicy, object content) string {
	t.Helper()
	return denialOfChange(t, policy, nil, object)
}

// denialOfChange does the same for an object that is there already; nil is a new one.
func denialOfChange(t *testing.T, policy admissionv1.ValidatingAdmissionPolicy, old any, object content) string {
	t.Helper()
	return denialBy(t, policy, asker, old, object)
}

// denialBy does the same for a user.
func denialBy(t *testing.T, policy admissionv1.ValidatingAdmissionPolicy, user string, old any, object content) string {
	t.Helper()
	env, err := cel.NewEnv(cel.Variable("object", cel.DynType), cel.Variable("oldObject", cel.DynType), cel.Variable("variables", cel.DynType), cel.Variable("request", cel.DynType), ext.Strings(), cel.HomogeneousAggregateLiterals())
	require.NoError(t, err)
	request := content{"userInfo": content{"username": user}}
	evaluate := func(expression string, variables content) (any, error) {
		ast, issues := env.Compile(expression)
		require.NoError(t, issues.Err(), expression)
		program, err := env.Program(ast)
		require.NoError(t, err)
		value, _, err := program.Eval(content{"object": object, "oldObject": old, "variables": variables, "request": request})
		if err != nil {
			return nil, err
		}
		return value.Value(), nil
	}
	variables := content{}
	for _, variable := range policy.Spec.Variables {
		ast, issues := env.Compile(variable.Expression)
		require.NoError(t, issues.Err(), variable.Expression)
		program, err := env.Program(ast)
		require.NoError(t, err)
		value, _, err := program.Eval(content{"object": object, "oldObject": old, "variables": maps.Clone(variables), "request": request})
		if err != nil {
			return variable.Name + ": " + err.Error()
		}
		variables[variable.Name] = value
	}
	for _, validation := range policy.Spec.Validations {
		if admitted, err := evaluate(validation.Expression, variables); err != nil || admitted != true {
			return fmt.Sprintf("%s: %v", validation.Message, err)
		}
	}
	return ""
}

// asker is who makes the requests.
const asker = "jane@example.com"

// parsed returns the objects of a golden configuration that a commit can change, by
// kind, and the policy.
func parsed(t *testing.T, objects []object) (map[string]content, admissionv1.ValidatingAdmissionPolicy) {
	t.Helper()
	written := map[string]content{}
	for _, o := range objects {
		switch o.kind {
		case "WorkflowTemplate", "CronWorkflow", "Sensor", "EventSource", "Service":
			var one content
			require.NoError(t, yaml.Unmarshal(o.text, &one))
			written[o.kind] = one
		}
	}
	policy, found := decode[admissionv1.ValidatingAdmissionPolicy](t, objects, "ValidatingAdmissionPolicy")
	require.True(t, found)
	return written, policy
}

func run(template string) content {
	return content{"kind": "Workflow", "spec": content{
		"workflowTemplateRef": content{"name": template}, "entrypoint": "resume", "arguments": content{"parameters": []any{}},
	}}
}

func TestThePolicyAdmitsAllThatAPipelineWrites(t *testing.T) {
	for name, objects := range golden(t) {
		written, policy := parsed(t, objects)
		if sensor, has := written["Sensor"]; has {
			sensor["spec"].(content)["loggingFields"] = content{"sensorName": "shop"} // Argo Events adds it
		}
		if source, has := written["EventSource"]; has { // so it does here
			github := source["spec"].(content)["github"].(content)["github"].(content)
			github["id"], github["owner"], github["repository"] = "0", "", ""
		}
		for kind, object := range written {
			assert.Empty(t, denial(t, policy, object), "%s: %s", name, kind)
		}
		template := written["WorkflowTemplate"]["metadata"].(content)["name"].(string)
		assert.Empty(t, denial(t, policy, run(template)), name)
		probe := run(template)
		probe["spec"].(content)["suspend"] = true
		assert.Empty(t, denial(t, policy, probe), name)
	}
}

// node returns the template of a pod in a WorkflowTemplate.
func nodeOf(template content, name string) content {
	for _, one := range template["spec"].(content)["templates"].([]any) {
		if node := one.(content); node["name"] == name {
			return node
		}
	}
	return nil
}

func TestThePolicyDeniesWhatWouldGiveAPodMoreRights(t *testing.T) {
	spec := func(o content) content { return o["spec"].(content) }
	builder := func(o content) content { return nodeOf(o, "builder") }
	patch := func(o content, old, with string) {
		text := builder(o)["podSpecPatch"].(string)
		require.Contains(t, text, old)
		builder(o)["podSpecPatch"] = strings.Replace(text, old, with, 1)
	}
	container := func(o content) content { return builder(o)["container"].(content) }
	trigger := func(o content) content {
		return spec(o)["triggers"].([]any)[0].(content)["template"].(content)
	}
	resource := func(o content) content {
		return trigger(o)["k8s"].(content)["source"].(content)["resource"].(content)
	}
	github := func(o content) content { return spec(o)["github"].(content)["github"].(content) }
	for attack, c := range map[string]struct {
		kind string
		edit func(content)
	}{
		"another account":          {"WorkflowTemplate", func(o content) { spec(o)["serviceAccountName"] = "argo" }},
		"another account of a pod": {"WorkflowTemplate", func(o content) { builder(o)["serviceAccountName"] = "argo" }},
		"another executor":         {"WorkflowTemplate", func(o content) { spec(o)["executor"] = content{"serviceAccountName": "argo"} }},
		"a mounted token":          {"WorkflowTemplate", func(o content) { spec(o)["automountServiceAccountToken"] = true }},
		"a mounted token of a pod": {"WorkflowTemplate", func(o content) { builder(o)["automountServiceAccountToken"] = true }},
		"another patch":            {"WorkflowTemplate", func(o content) { spec(o)["podSpecPatch"] = `{"serviceAccountName": "argo"}` }},
		"more for commands":        {"WorkflowTemplate", func(o content) { patch(o, `{"name":"no-token",`, `{"name":"aws-iam-token",`) }},
		"their user":               {"WorkflowTemplate", func(o content) { patch(o, `"runAsUser":65532`, `"runAsUser":65533`) }},
		"an image with more":       {"WorkflowTemplate", func(o content) { patch(o, `"imagePullPolicy"`, `"env":[],"imagePullPolicy"`) }},
		"another container":        {"WorkflowTemplate", func(o content) { patch(o, `}]}`, `},{"name":"more"}]}`) }},
		"more of the pod":          {"WorkflowTemplate", func(o content) { patch(o, `}]}`, `}],"hostNetwork":true,"x":[{}]}`) }},
		"a token for commands": {"WorkflowTemplate", func(o content) {
			for _, one := range builder(o)["volumes"].([]any) {
				if volume := one.(content); volume["name"] == "commands-tmp" {
					delete(volume, "emptyDir")
					volume["projected"] = content{"sources": []any{content{"serviceAccountToken": content{"path": "token"}}}}
				}
			}
		}},
		"an identity by annotation": {"WorkflowTemplate", func(o content) {
			spec(o)["podMetadata"].(content)["annotations"].(content)["iam.amazonaws.com/role"] = "admin"
		}},
		"containers that get an identity": {"WorkflowTemplate", func(o content) {
			spec(o)["podMetadata"].(content)["annotations"].(content)["eks.amazonaws.com/skip-containers"] = ""
		}},
		"a profile of a container": {"WorkflowTemplate", func(o content) {
			spec(o)["podMetadata"].(content)["annotations"].(content)["container.apparmor.security.beta.kubernetes.io/commands"] = "unconfined"
		}},
		"another network": {"WorkflowTemplate", func(o content) {
			spec(o)["podMetadata"].(content)["annotations"].(content)["k8s.v1.cni.cncf.io/networks"] = "host"
		}},
		"a pod without its policies":   {"WorkflowTemplate", func(o content) { delete(spec(o)["podMetadata"].(content)["labels"].(content), "aphex.dev/pipeline") }},
		"a pod of another application": {"WorkflowTemplate", func(o content) { spec(o)["podMetadata"].(content)["labels"].(content)["app"] = "vault" }},
		"a run of another controller": {"WorkflowTemplate", func(o content) {
			spec(o)["workflowMetadata"].(content)["labels"].(content)["workflows.argoproj.io/controller-instanceid"] = "other"
		}},
		"a Sensor's identity by annotation": {"Sensor", func(o content) {
			spec(o)["template"].(content)["metadata"].(content)["annotations"] = content{"iam.amazonaws.com/role": "admin"}
		}},
		"an EventSource of other pods": {"EventSource", func(o content) {
			spec(o)["template"].(content)["metadata"].(content)["labels"].(content)["app"] = "vault"
		}},
		"a patch of a pod":         {"WorkflowTemplate", func(o content) { builder(o)["podSpecPatch"] = `{"hostNetwork": true}` }},
		"another image":            {"WorkflowTemplate", func(o content) { container(o)["image"] = "example.test/evil:1" }},
		"an image of a like name":  {"WorkflowTemplate", func(o content) { container(o)["image"] = "public.ecr.aws/aphex/builder-evil:1" }},
		"an image in a sub folder": {"WorkflowTemplate", func(o content) { container(o)["image"] = "public.ecr.aws/aphex/builder/evil:1" }},
		"a script":                 {"WorkflowTemplate", func(o content) { builder(o)["script"] = content{"image": "x", "source": "id"} }},
		"a resource":               {"WorkflowTemplate", func(o content) { builder(o)["resource"] = content{"action": "create"} }},
		"a sidecar":                {"WorkflowTemplate", func(o content) { builder(o)["sidecars"] = []any{content{"name": "x", "image": "x"}} }},
		"an init container":        {"WorkflowTemplate", func(o content) { builder(o)["initContainers"] = []any{content{"name": "x", "image": "x"}} }},
		"a secret in a variable": {"WorkflowTemplate", func(o content) {
			container(o)["env"] = []any{content{"name": "X", "valueFrom": content{"secretKeyRef": content{"name": "s", "key": "k"}}}}
		}},
		"secrets as variables":   {"WorkflowTemplate", func(o content) { container(o)["envFrom"] = []any{content{"secretRef": content{"name": "s"}}} }},
		"a privileged container": {"WorkflowTemplate", func(o content) { container(o)["securityContext"].(content)["privileged"] = true }},
		"a capability": {"WorkflowTemplate", func(o content) {
			container(o)["securityContext"].(content)["capabilities"].(content)["add"] = []any{"SYS_ADMIN"}
		}},
		"no restriction": {"WorkflowTemplate", func(o content) { delete(container(o), "securityContext") }},
		"root":           {"WorkflowTemplate", func(o content) { spec(o)["securityContext"].(content)["runAsNonRoot"] = false }},
		"a host path": {"WorkflowTemplate", func(o content) {
			builder(o)["volumes"] = []any{content{"name": "x", "hostPath": content{"path": "/"}}}
		}},
		"a secret as a volume": {"WorkflowTemplate", func(o content) {
			builder(o)["volumes"] = []any{content{"name": "x", "secret": content{"secretName": "s"}}}
		}},
		"a projected secret": {"WorkflowTemplate", func(o content) {
			builder(o)["volumes"] = []any{content{"name": "x", "projected": content{"sources": []any{content{"secret": content{"name": "s"}}}}}}
		}},
		"a metric with a series of each run": {"WorkflowTemplate", func(o content) {
			counter := spec(o)["metrics"].(content)["prometheus"].([]any)[0].(content)
			counter["labels"].([]any)[0].(content)["value"] = "{{workflow.name}}"
		}},
		"a claim of the workflow": {"WorkflowTemplate", func(o content) { spec(o)["volumeClaimTemplates"] = []any{} }},
		"an artifact":             {"WorkflowTemplate", func(o content) { builder(o)["inputs"] = content{"artifacts": []any{content{"name": "x"}}} }},
		"a template of others": {"WorkflowTemplate", func(o content) {
			tasks := nodeOf(o, "run")["dag"].(content)["tasks"].([]any)
			tasks[0].(content)["templateRef"] = content{"name": "other", "template": "x"}
		}},
		"an inline template": {"WorkflowTemplate", func(o content) {
			tasks := nodeOf(o, "run")["dag"].(content)["tasks"].([]any)
			tasks[0].(content)["inline"] = content{"container": content{"image": "x"}}
		}},
		"a schedule of another template": {"CronWorkflow", func(o content) {
			spec(o)["workflowSpec"].(content)["workflowTemplateRef"].(content)["name"] = "other-00"
		}},
		"a schedule with an account":    {"CronWorkflow", func(o content) { spec(o)["workflowSpec"].(content)["serviceAccountName"] = "argo" }},
		"a Sensor's account":            {"Sensor", func(o content) { spec(o)["template"].(content)["serviceAccountName"] = "argo-events-sa" }},
		"a Sensor's container":          {"Sensor", func(o content) { spec(o)["template"].(content)["container"].(content)["image"] = "x" }},
		"a Sensor's volume":             {"Sensor", func(o content) { spec(o)["template"].(content)["volumes"] = []any{} }},
		"a trigger that calls":          {"Sensor", func(o content) { trigger(o)["http"] = content{"url": "http://x"} }},
		"a trigger that deletes":        {"Sensor", func(o content) { trigger(o)["k8s"].(content)["operation"] = "delete" }},
		"a trigger of a pod":            {"Sensor", func(o content) { resource(o)["kind"] = "Pod" }},
		"a trigger elsewhere":           {"Sensor", func(o content) { resource(o)["metadata"].(content)["namespace"] = "kube-system" }},
		"a trigger with an account":     {"Sensor", func(o content) { resource(o)["spec"].(content)["serviceAccountName"] = "argo" }},
		"a trigger with a template":     {"Sensor", func(o content) { resource(o)["spec"].(content)["templates"] = []any{} }},
		"an EventSource's account":      {"EventSource", func(o content) { spec(o)["template"].(content)["serviceAccountName"] = "argo" }},
		"an EventSource of other kinds": {"EventSource", func(o content) { spec(o)["file"] = content{} }},
		"a Service for others":          {"Service", func(o content) { spec(o)["externalIPs"] = []any{"192.0.2.1"} }},
		"a Service of other pods":       {"Service", func(o content) { spec(o)["selector"] = content{"app": "vault"} }},
		"a Service of no pods":          {"Service", func(o content) { delete(spec(o), "selector") }},
		"an EventSource that sends a secret": {"EventSource", func(o content) {
			github(o)["githubBaseURL"], github(o)["apiToken"] = "https://evil.test/", content{"name": "others", "key": "password"}
		}},
		"an EventSource with another secret": {"EventSource", func(o content) { github(o)["webhookSecret"].(content)["name"] = "others" }},
		"an EventSource without a secret":    {"EventSource", func(o content) { delete(github(o), "webhookSecret") }},
		"an EventSource with a certificate": {"EventSource", func(o content) {
			github(o)["webhook"].(content)["serverCertSecret"] = content{"name": "others", "key": "tls.crt"}
		}},
		"another EventSource": {"EventSource", func(o content) {
			spec(o)["github"].(content)["more"] = content{"apiToken": content{"name": "others", "key": "password"}}
		}},
	} {
		written, policy := parsed(t, golden(t)["twelve-environments"])
		require.Empty(t, denial(t, policy, written[c.kind]), "it is admitted without the attack")
		c.edit(written[c.kind])
		assert.NotEmpty(t, denial(t, policy, written[c.kind]), attack)
	}
}

func TestPodsStayWhereThePersonPutThemWhoAppliedTheConfiguration(t *testing.T) {
	pod := func(o content) content { return o["spec"].(content)["template"].(content) }
	for attack, c := range map[string]struct {
		kind string
		edit func(content)
	}{
		"a pod of a run elsewhere": {"WorkflowTemplate", func(o content) {
			patch := o["spec"].(content)["podSpecPatch"].(string)
			require.Contains(t, patch, `"karpenter.sh/nodepool":"pipelines"`)
			o["spec"].(content)["podSpecPatch"] = strings.Replace(patch, `"karpenter.sh/nodepool":"pipelines"`, `"node-role.kubernetes.io/control-plane":""`, 1)
		}},
		"another label of a run":       {"WorkflowTemplate", func(o content) { o["spec"].(content)["podMetadata"].(content)["labels"].(content)["team"] = "other" }},
		"an EventSource elsewhere":     {"EventSource", func(o content) { pod(o)["nodeSelector"] = content{"pool": "other"} }},
		"a Sensor on every node":       {"Sensor", func(o content) { pod(o)["tolerations"] = []any{content{"operator": "Exists"}} }},
		"a Sensor with another secret": {"Sensor", func(o content) { pod(o)["imagePullSecrets"] = []any{content{"name": "others"}} }},
		"a Sensor before all others":   {"Sensor", func(o content) { pod(o)["priorityClassName"] = "system-node-critical" }},
		"a Sensor with no placement":   {"Sensor", func(o content) { delete(pod(o), "affinity") }},
		"the volume of another class": {"WorkflowTemplate", func(o content) {
			for _, one := range nodeOf(o, "builder")["volumes"].([]any) {
				if claim, has := one.(content)["ephemeral"]; has {
					claim.(content)["volumeClaimTemplate"].(content)["spec"].(content)["storageClassName"] = "other"
				}
			}
		}},
		"a volume that is a copy": {"WorkflowTemplate", func(o content) {
			for _, one := range nodeOf(o, "builder")["volumes"].([]any) {
				if claim, has := one.(content)["ephemeral"]; has {
					claim.(content)["volumeClaimTemplate"].(content)["spec"].(content)["dataSource"] = content{"kind": "PersistentVolumeClaim", "name": "others"}
				}
			}
		}},
		"another proxy": {"WorkflowTemplate", func(o content) {
			patch := o["spec"].(content)["podSpecPatch"].(string)
			o["spec"].(content)["podSpecPatch"] = strings.ReplaceAll(patch, "http://proxy.example.com", "http://evil.test")
		}},
		"another proxy of commands": {"WorkflowTemplate", func(o content) {
			patch := nodeOf(o, "builder")["podSpecPatch"].(string)
			nodeOf(o, "builder")["podSpecPatch"] = strings.ReplaceAll(patch, "http://proxy.example.com", "http://evil.test")
		}},
		"another annotation":      {"Sensor", func(o content) { pod(o)["metadata"].(content)["annotations"] = content{"a": "b"} }},
		"the network of the node": {"Sensor", func(o content) { pod(o)["hostNetwork"] = true }},
	} {
		from := "pods"
		if strings.Contains(attack, "volume") || strings.Contains(attack, "proxy") {
			from = "proxy"
		}
		written, policy := parsed(t, golden(t)[from])
		require.Empty(t, denial(t, policy, written[c.kind]), "it is admitted without the attack")
		c.edit(written[c.kind])
		assert.NotEmpty(t, denial(t, policy, written[c.kind]), attack)
	}
}

func TestARunWithTemplatesOfItsOwnIsDenied(t *testing.T) {
	written, policy := parsed(t, golden(t)["twelve-environments"])
	template := written["WorkflowTemplate"]["metadata"].(content)["name"].(string)
	for attack, edit := range map[string]func(content){
		"another template":      func(s content) { s["workflowTemplateRef"] = content{"name": "other"} },
		"a like name":           func(s content) { s["workflowTemplateRef"] = content{"name": template + "-evil"} },
		"a cluster's template":  func(s content) { s["workflowTemplateRef"].(content)["clusterScope"] = true },
		"no template":           func(s content) { delete(s, "workflowTemplateRef") },
		"templates":             func(s content) { s["templates"] = []any{} },
		"an account":            func(s content) { s["serviceAccountName"] = "argo" },
		"a patch":               func(s content) { s["podSpecPatch"] = "{}" },
		"an executor":           func(s content) { s["executor"] = content{"serviceAccountName": "argo"} },
		"a hook":                func(s content) { s["hooks"] = content{} },
		"a volume":              func(s content) { s["volumes"] = []any{} },
		"an automounted token":  func(s content) { s["automountServiceAccountToken"] = true },
		"defaults of templates": func(s content) { s["templateDefaults"] = content{} },
	} {
		attacked := run(template)
		edit(attacked["spec"].(content))
		assert.NotEmpty(t, denial(t, policy, attacked), attack)
	}
}

// TestARunThatBringsTheSpecificationThatArgoStoresIsDenied is about the status: Argo runs the
// specification that it finds there, whatever template the run refers to.
func TestARunThatBringsTheSpecificationThatArgoStoresIsDenied(t *testing.T) {
	written, policy := parsed(t, golden(t)["twelve-environments"])
	template := written["WorkflowTemplate"]["metadata"].(content)["name"].(string)
	with := func(status any) content {
		attacked := run(template)
		attacked["status"] = status
		return attacked
	}
	hostile := content{"storedWorkflowTemplateSpec": content{"entrypoint": "evil", "serviceAccountName": "argo", "templates": []any{}}}
	running := content{"phase": "Running"}
	assert.NotEmpty(t, denial(t, policy, with(hostile)))
	assert.NotEmpty(t, denial(t, policy, with(content{"storedTemplates": content{}})))
	assert.NotEmpty(t, denialOfChange(t, policy, run(template), with(hostile)), "a run without a status yet")
	assert.NotEmpty(t, denialOfChange(t, policy, with(running), with(hostile)), "a run that is suspended")
	assert.Empty(t, denialOfChange(t, policy, with(running), with(running)), "a change of another part, while Argo has a status")
}

func TestThePolicyIsAboutAllIdentitiesOfThePipelineAndNoOther(t *testing.T) {
	for name, objects := range golden(t) {
		_, policy := parsed(t, objects)
		require.Len(t, policy.Spec.MatchConditions, 1)
		env, err := cel.NewEnv(cel.Variable("request", cel.DynType))
		require.NoError(t, err)
		ast, issues := env.Compile(policy.Spec.MatchConditions[0].Expression)
		require.NoError(t, issues.Err())
		program, err := env.Program(ast)
		require.NoError(t, err)
		about := func(user string) bool {
			value, _, err := program.Eval(content{"request": content{"userInfo": content{"username": user}}})
			require.NoError(t, err)
			return value.Value() == true
		}
		for _, o := range objects {
			if o.kind == "ServiceAccount" {
				var account struct {
					Metadata struct{ Name, Namespace string }
				}
				require.NoError(t, yaml.Unmarshal(o.text, &account))
				user := strings.Join([]string{"system", "serviceaccount", account.Metadata.Namespace, account.Metadata.Name}, ":")
				assert.True(t, about(user), "%s: %s", name, user)
			}
		}
		assert.False(t, about("system:serviceaccount:argo:argo"), name)
		assert.False(t, about("kubernetes-admin"), name)
	}
}
