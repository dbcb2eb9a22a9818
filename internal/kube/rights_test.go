package kube_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/stages"
)

const shopConfiguration = `version: "1.0"
githubOwner: my-org
githubRepo: shop
clusterName: company
workflowTemplateName: shop
eventSourceName: shop-github
sensorName: shop-sensor
serviceAccountName: shop
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api, path: lib}]}
`

func renderedFrom(t *testing.T, text string) []manifest.Object {
	t.Helper()
	cfg, err := config.Parse(config.File, []byte(text))
	require.NoError(t, err)
	place := plan.Place{Account: "111111111111", Region: "eu-west-1", Bucket: "artifacts", Config: config.File}
	p, err := plan.New(cfg, stages.Contracts(), place)
	require.NoError(t, err)
	objects, err := argo.Objects(cfg, p, place)
	require.NoError(t, err)
	return objects
}

// as allows the requests that the rendered Roles of an account permit. A server-side apply
// that creates the object needs "create" and "patch", both for the object's name.
func as(t *testing.T, s *kubetest.Server, objects []manifest.Object, account string) {
	t.Helper()
	roles, bound := map[string][]rbacv1.PolicyRule{}, map[string][]rbacv1.PolicyRule{}
	for _, object := range objects {
		if object.Kind == "Role" {
			var role rbacv1.Role
			require.NoError(t, yaml.Unmarshal(object.YAML, &role))
			roles[role.Namespace+"/"+role.Name] = role.Rules
		}
	}
	for _, object := range objects {
		var binding rbacv1.RoleBinding
		if object.Kind != "RoleBinding" {
			continue
		}
		require.NoError(t, yaml.Unmarshal(object.YAML, &binding))
		if slices.ContainsFunc(binding.Subjects, func(subject rbacv1.Subject) bool { return subject.Name == account }) {
			bound[binding.Namespace] = append(bound[binding.Namespace], roles[binding.Namespace+"/"+binding.RoleRef.Name]...)
		}
	}
	s.Refuse = func(r kubetest.Request) int {
		parts := strings.Split(r.Path, "/")
		namespace, resource, name := parts[len(parts)-3], parts[len(parts)-2], parts[len(parts)-1]
		for _, verb := range verbs(r) {
			if !allowed(bound[namespace], verb, resource, name) {
				return http.StatusForbidden
			}
		}
		return 0
	}
}

func verbs(r kubetest.Request) []string {
	switch {
	case r.Method == http.MethodGet:
		return []string{"get"}
	case r.Method == http.MethodDelete:
		return []string{"delete"}
	case r.Method == http.MethodPatch && r.Exists:
		return []string{"patch"}
	case r.Method == http.MethodPatch:
		return []string{"patch", "create"}
	}
	return []string{"unknown"}
}

func allowed(rules []rbacv1.PolicyRule, verb, resource, name string) bool {
	return slices.ContainsFunc(rules, func(rule rbacv1.PolicyRule) bool {
		return slices.Contains(rule.Verbs, verb) && slices.Contains(rule.Resources, resource) &&
			(len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, name))
	})
}

func TestTheRenderedPermissionsLetAPipelineUpdateItself(t *testing.T) {
	s, c := newServer(t)
	first := renderedFrom(t, shopConfiguration)
	_, err := c.Apply(t.Context(), first)
	require.NoError(t, err)

	as(t, s, first, "shop-update")
	second := renderedFrom(t, shopConfiguration+"  - {name: staging, account: \"111111111111\", region: eu-north-1, stacks: [{name: Api, path: lib}]}\n")
	require.NoError(t, c.Try(t.Context(), second))
	changes, err := c.Update(t.Context(), second)
	require.NoError(t, err)
	assert.Equal(t, manifest.Changed, actions(changes)["sensor/shop-sensor"])
	assert.Len(t, s.Has("workflowtemplates"), 2)
}

func TestAPipelineDoesNotUseAServiceAccountThatIsNotInstalled(t *testing.T) {
	for name, change := range map[string][2]string{
		"another ServiceAccount":                {"serviceAccountName: shop", "serviceAccountName: shop2"},
		"another Sensor":                        {"sensorName: shop-sensor", "sensorName: shop2-sensor"},
		"another EventSource":                   {"eventSourceName: shop-github", "eventSourceName: shop2-github"},
		"another template":                      {"workflowTemplateName: shop", "workflowTemplateName: shop2"},
		"another namespace":                     {"clusterName: company", "clusterName: company\nargoNamespace: other"},
		"a reconciler, which was not installed": {"reconcileSchedule: \"\"", ""},
	} {
		s, c := newServer(t)
		text := shopConfiguration + "reconcileSchedule: \"\"\n"
		if !strings.HasPrefix(change[0], "reconcile") {
			text = shopConfiguration
		}
		first := renderedFrom(t, text)
		_, err := c.Apply(t.Context(), first)
		require.NoError(t, err)
		as(t, s, first, "shop-update")
		s.Forget()
		err = c.Try(t.Context(), renderedFrom(t, strings.Replace(text, change[0], change[1], 1)))
		require.Error(t, err, name)
		assert.Contains(t, errs.HintOf(err), "administrator", name)
		assert.Empty(t, s.Writes(), name)
	}
}

func TestTheRenderedPermissionsDoNotReachAnotherPipeline(t *testing.T) {
	s, c := newServer(t)
	other := renderedFrom(t, strings.ReplaceAll(shopConfiguration, "shop", "market"))
	_, err := c.Apply(t.Context(), other)
	require.NoError(t, err)

	for _, account := range []string{"shop", "shop-validate", "shop-build", "shop-update", "shop-111111111111", "shop-sensor", "shop-github-eventsource"} {
		as(t, s, renderedFrom(t, shopConfiguration), account)
		for _, object := range other {
			_, err := kube.Cluster{Client: c.Client}.Update(t.Context(), []manifest.Object{object})
			if !slices.Contains([]string{"WorkflowTemplate", "CronWorkflow", "Service", "EventSource", "Sensor"}, object.Kind) {
				continue // an update never touches these
			}
			assert.ErrorContains(t, err, "no permission to change", "%s: %s", account, object)
			_, err = c.Remove(t.Context(), []manifest.Object{object})
			assert.ErrorContains(t, err, "no permission to change", "%s: %s", account, object)
		}
	}
}

func TestAPipelineReadsWhatAPersonApprovedAndOfItsOwnAccountsAlone(t *testing.T) {
	s, c := newServer(t)
	first := renderedFrom(t, shopConfiguration)
	for _, objects := range [][]manifest.Object{first, renderedFrom(t, strings.ReplaceAll(shopConfiguration, "shop", "market"))} {
		_, err := c.Apply(t.Context(), objects)
		require.NoError(t, err)
	}
	as(t, s, first, "shop-update")
	for name, approved := range map[string]bool{"shop-111111111111": true, "shop-222222222222": false, "market-111111111111": false} {
		annotations, err := c.Annotations(t.Context(), manifest.Object{Kind: "ServiceAccount", Namespace: "argo", Name: name})
		require.NoError(t, err, name)
		assert.Equal(t, approved, argo.Approves(annotations, plan.Access{Account: "111111111111", Qualifiers: []string{"hnb659fds"}}), name)
	}
}
