package validate

import (
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// attestation returns the policy of a golden configuration that attests who asks for a run.
func attestation(t *testing.T, objects []object) admissionv1.ValidatingAdmissionPolicy {
	t.Helper()
	var found []admissionv1.ValidatingAdmissionPolicy
	for _, o := range objects {
		var policy admissionv1.ValidatingAdmissionPolicy
		if o.kind == "ValidatingAdmissionPolicy" {
			require.NoError(t, yaml.UnmarshalStrict(o.text, &policy))
			if strings.HasSuffix(policy.Name, "-asked") {
				found = append(found, policy)
			}
		}
	}
	require.Len(t, found, 1)
	return found[0]
}

// with returns a run with parameters, as name and value in turn.
func with(parameters ...any) content {
	o := run("shop-3f")
	var all []any
	for i := 0; i < len(parameters); i += 2 {
		parameter := content{"name": parameters[i]}
		if parameters[i+1] != nil {
			parameter["value"] = parameters[i+1]
		}
		all = append(all, parameter)
	}
	o["spec"].(content)["arguments"] = content{"parameters": all}
	return o
}

func TestARunNamesWhoAsksForIt(t *testing.T) {
	for name, objects := range golden(t) {
		policy := attestation(t, objects)
		for what, admitted := range map[string]content{
			"a push":                       with("commit-sha", "c", "pusher", "octocat"),
			"a push without who":           with("commit-sha", "c"),
			"no parameters":                with(),
			"a purpose that is empty":      with("purpose", "", "pusher", "octocat"),
			"a rollback":                   with("purpose", "rollback", "pusher", asker, "reason", "x"),
			"without arguments altogether": {"kind": "Workflow", "spec": content{"workflowTemplateRef": content{"name": "shop-3f"}}},
		} {
			assert.Empty(t, denial(t, policy, admitted), "%s: %s", name, what)
		}
		for what, denied := range map[string]content{
			"somebody else":              with("purpose", "rollback", "pusher", "john"),
			"nobody":                     with("purpose", "rollback"),
			"an empty name":              with("purpose", "retry", "pusher", ""),
			"no value":                   with("purpose", "retry", "pusher", nil),
			"two names":                  with("purpose", "retry", "pusher", asker, "pusher", "john"),
			"a purpose from elsewhere":   with("purpose", nil, "pusher", "john"),
			"a purpose after an empty":   with("purpose", "", "purpose", "retry", "pusher", "john"),
			"a purpose that is a number": with("purpose", 1, "pusher", "john"),
		} {
			assert.Contains(t, denial(t, policy, denied), "names this person", "%s: %s", name, what)
		}
	}
}

// TestNoIdentityOfThePipelineAsksForARun holds an approval, say, to what is no pod of the pipeline.
func TestNoIdentityOfThePipelineAsksForARun(t *testing.T) {
	for name, objects := range golden(t) {
		policy, accounts := attestation(t, objects), 0
		for _, o := range objects {
			if o.kind != "ServiceAccount" {
				continue
			}
			accounts++
			var account corev1.ServiceAccount
			require.NoError(t, yaml.Unmarshal(o.text, &account))
			user := "system:serviceaccount:" + account.Namespace + ":" + account.Name
			assert.Contains(t, denialBy(t, policy, user, nil, with("purpose", "approve", "pusher", user)), "for persons", "%s: %s", name, user)
			assert.Empty(t, denialBy(t, policy, user, nil, with("commit-sha", "c", "pusher", "octocat")), "%s: %s starts the run of a push", name, user)
		}
		assert.Greater(t, accounts, 6, name)
	}
}

func TestWhoAskedForARunDoesNotChange(t *testing.T) {
	for name, objects := range golden(t) {
		policy := attestation(t, objects)
		asked, pushed := with("purpose", "rollback", "pusher", "john", "reason", "x"), with("commit-sha", "c", "pusher", "octocat")
		for what, change := range map[string][2]content{
			"the name":           {asked, with("purpose", "rollback", "pusher", asker, "reason", "x")},
			"the reason":         {asked, with("purpose", "rollback", "pusher", "john", "reason", "y")},
			"the purpose":        {asked, with("pusher", "john", "reason", "x")},
			"a push to rollback": {pushed, with("purpose", "rollback", "pusher", asker)},
		} {
			assert.Contains(t, denialOfChange(t, policy, change[0], change[1]), "do not change", "%s: %s", name, what)
		}
		assert.Empty(t, denialOfChange(t, policy, asked, asked), "%s: Argo writes the status of a run of somebody else", name)
		assert.Empty(t, denialOfChange(t, policy, pushed, with("commit-sha", "d", "pusher", "octocat")), name)
	}
}

// TestOnlyRunsOfThePipelineConcernThePolicy evaluates its condition, as an error in it would
// refuse what other teams write.
func TestOnlyRunsOfThePipelineConcernThePolicy(t *testing.T) {
	env, err := cel.NewEnv(cel.Variable("object", cel.DynType), cel.Variable("oldObject", cel.DynType))
	require.NoError(t, err)
	for name, objects := range golden(t) {
		policy := attestation(t, objects)
		require.Len(t, policy.Spec.MatchConditions, 1)
		require.NotEmpty(t, policy.Spec.MatchConstraints.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"], name)
		ast, issues := env.Compile(policy.Spec.MatchConditions[0].Expression)
		require.NoError(t, issues.Err())
		program, err := env.Program(ast)
		require.NoError(t, err)
		concerns := func(object, old any) bool {
			value, _, err := program.Eval(map[string]any{"object": object, "oldObject": old})
			require.NoError(t, err)
			return value.Value() == true
		}
		written, _ := parsed(t, objects)
		own := run(written["WorkflowTemplate"]["metadata"].(content)["name"].(string))
		assert.True(t, concerns(own, nil), name)
		assert.True(t, concerns(content{"spec": content{}}, own), "%s: a run that drops its reference", name)
		for _, other := range []content{{}, {"spec": content{}}, {"spec": content{"workflowTemplateRef": content{}}}, run("other-3f"), run("other")} {
			assert.False(t, concerns(other, nil), "%s: %v", name, other)
			assert.False(t, concerns(other, other), "%s: %v", name, other)
		}
	}
}
