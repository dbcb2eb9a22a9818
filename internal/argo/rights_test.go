package argo_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// may returns the permissions of an account in a namespace, as "verb resource".
func may(t *testing.T, objects []manifest.Object, namespace, account string) map[string][]string {
	t.Helper()
	rules := map[string][]rbacv1.PolicyRule{}
	rights := map[string][]string{}
	for _, object := range objects {
		if object.Kind == "Role" {
			var role rbacv1.Role
			require.NoError(t, yaml.UnmarshalStrict(object.YAML, &role))
			rules[role.Namespace+"/"+role.Name] = role.Rules
		}
	}
	for _, object := range objects {
		if object.Kind != "RoleBinding" {
			continue
		}
		var binding rbacv1.RoleBinding
		require.NoError(t, yaml.UnmarshalStrict(object.YAML, &binding))
		bound := slices.ContainsFunc(binding.Subjects, func(s rbacv1.Subject) bool { return s.Name == account })
		if !bound || binding.Namespace != namespace {
			continue
		}
		for _, rule := range rules[binding.Namespace+"/"+binding.RoleRef.Name] {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					rights[verb+" "+resource] = rule.ResourceNames
				}
			}
		}
	}
	return rights
}

func keys(rights map[string][]string) []string {
	var all []string
	for right := range rights {
		all = append(all, right)
	}
	slices.Sort(all)
	return all
}

func TestOnlyTheUpdateAndTheReconcilerMayAnythingInTheCluster(t *testing.T) {
	objects := objectsOf(t, github+configuration("dev", "prod"))
	for _, account := range []string{"", "-validate", "-build", "-111111111111", "-111111111112"} {
		assert.Empty(t, may(t, objects, "argo", "my-app-deploy"+account), account)
		assert.Empty(t, may(t, objects, "argo-events", "my-app-deploy"+account), account)
	}
	for _, account := range []string{"-update", "-watch"} {
		assert.NotEmpty(t, may(t, objects, "argo", "my-app-deploy"+account), account)
	}
}

func TestOnlyTheExecutorMayReportResultsAndItMayNothingElse(t *testing.T) {
	objects := objectsOf(t, github+configuration("dev"))
	assert.Equal(t, []string{"create workflowtaskresults", "patch workflowtaskresults"}, keys(may(t, objects, "argo", "my-app-deploy-results")))
	assert.Empty(t, may(t, objects, "argo-events", "my-app-deploy-results"))
	for _, account := range []string{"my-app-deploy", "my-app-deploy-update", "my-app-deploy-build", "my-app-deploy-watch", "my-app-sensor"} {
		assert.NotContains(t, may(t, objects, "argo", account), "patch workflowtaskresults", account)
	}
	for _, object := range objects {
		if object.Kind != "Secret" {
			continue
		}
		var secret corev1.Secret
		require.NoError(t, yaml.UnmarshalStrict(object.YAML, &secret))
		assert.Equal(t, "my-app-deploy-results.service-account-token", secret.Name, "the name that Argo looks for")
		assert.Equal(t, "my-app-deploy-results", secret.Annotations["kubernetes.io/service-account.name"])
		return
	}
	t.Fatal("there is no Secret for the token")
}

func TestTheSensorMaySubmitRunsAndNothingElse(t *testing.T) {
	objects := objectsOf(t, github+configuration("dev"))
	assert.Equal(t, []string{"create workflows"}, keys(may(t, objects, "argo", "my-app-sensor")))
	assert.Empty(t, may(t, objects, "argo-events", "my-app-sensor"))
	assert.Empty(t, may(t, objects, "argo-events", "my-app-eventsource"))
}

func TestTheReconcilerMayReadTheSensorAndSubmitRuns(t *testing.T) {
	objects := objectsOf(t, github+configuration("dev"))
	assert.Equal(t, []string{"create workflows"}, keys(may(t, objects, "argo", "my-app-deploy-watch")))
	assert.Equal(t, map[string][]string{"get sensors": {"my-app-sensor"}}, may(t, objects, "argo-events", "my-app-deploy-watch"))
}

func TestThePipelineMayChangeOnlyObjectsOfItsNames(t *testing.T) {
	objects := objectsOf(t, github+configuration("dev"))
	for right, names := range may(t, objects, "argo", "my-app-deploy-update") {
		switch right {
		case "create workflows":
			assert.Empty(t, names, "the name of the resumed run is not known when the Role is rendered")
		case "get workflowtemplates", "get workflows":
			assert.Len(t, names, 256)
			assert.Contains(t, names, find(t, objects, "WorkflowTemplate").Name)
		default:
			assert.NotEmpty(t, names, right)
		}
	}
	for right, names := range may(t, objects, "argo-events", "my-app-deploy-update") {
		if right == "get serviceaccounts" {
			assert.Equal(t, []string{"my-app-sensor", "my-app-eventsource"}, names)
			continue
		}
		assert.Len(t, names, 1, right)
	}
}

func TestNoRoleHasAWildcardOrASecret(t *testing.T) {
	for _, object := range objectsOf(t, github+configuration("dev")) {
		if object.Kind != "Role" {
			continue
		}
		var role rbacv1.Role
		require.NoError(t, yaml.UnmarshalStrict(object.YAML, &role))
		for _, rule := range role.Rules {
			for _, word := range slices.Concat(rule.Verbs, rule.Resources, rule.APIGroups) {
				assert.NotContains(t, word, "*")
				assert.NotContains(t, []string{"secrets", "escalate", "bind", "impersonate", "list", "watch"}, word)
			}
		}
	}
}

func TestServiceAccountsOfRunsHaveSeparateRolesInAWS(t *testing.T) {
	roles := map[string]string{}
	for _, object := range objectsOf(t, github+configuration("dev")) {
		if object.Kind == "ServiceAccount" {
			var account corev1.ServiceAccount
			require.NoError(t, yaml.UnmarshalStrict(object.YAML, &account))
			roles[account.Namespace+"/"+account.Name] = account.Annotations["eks.amazonaws.com/role-arn"]
		}
	}
	for account, role := range map[string]string{
		"": "record", "-validate": "validate", "-build": "build", "-update": "pipeline", "-watch": "watch", "-111111111111": "111111111111",
	} {
		assert.Regexp(t, `^arn:aws:iam::111111111111:role/aphex-my-app-[0-9a-f]{8}-`+role+`$`, roles["argo/my-app-deploy"+account])
	}
	assert.Empty(t, roles["argo-events/aphex-pipeline-sensor"])
	assert.Empty(t, roles["argo-events/my-app-eventsource"])
}

func TestAServiceAccountSaysWhatAPersonApproved(t *testing.T) {
	cfg, _ := planned(t, github+configuration("dev", "prod"))
	approved := map[string]map[string]string{}
	for _, object := range objectsOf(t, github+configuration("dev", "prod")) {
		if object.Kind == "ServiceAccount" {
			var account corev1.ServiceAccount
			require.NoError(t, yaml.UnmarshalStrict(object.YAML, &account))
			approved[object.Namespace+"/"+object.Name] = account.Annotations
		}
	}
	accesses := plan.AccessesOf(cfg)
	require.Len(t, accesses, 2)
	for _, access := range accesses {
		account := argo.DeployerAccount(cfg, place(), access)
		require.Equal(t, "ServiceAccount", account.Kind)
		for name, annotations := range approved {
			assert.Equal(t, name == account.Namespace+"/"+account.Name, argo.Approves(annotations, access), name)
		}
		access.Qualifiers = append(access.Qualifiers, "other")
		assert.False(t, argo.Approves(approved[account.Namespace+"/"+account.Name], access), "another bootstrap of the account")
	}
}

func TestAServiceAccountSaysWhichSecretsAPersonApproved(t *testing.T) {
	const secrets = "build: {secrets: {B: {secretsManager: shop/npm, key: a}, A: {secretsManager: shop/npm, key: b}, C: {ssm: /shop/c}}}\n"
	text := github + secrets + configuration("dev", "prod")
	cfg, _ := planned(t, text)
	builder := argo.BuilderAccount(cfg, place()).Name
	found := false
	for _, object := range objectsOf(t, text) {
		if object.Kind != "ServiceAccount" {
			continue
		}
		var account corev1.ServiceAccount
		require.NoError(t, yaml.UnmarshalStrict(object.YAML, &account))
		want := ""
		if object.Name == builder {
			want, found = "secretsmanager:shop/npm ssm:/shop/c", true
		}
		assert.Equal(t, want, argo.ApprovedSecrets(account.Annotations), object.Name)
	}
	assert.True(t, found)
}
