package kube_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
)

var usual = kube.Prerequisites{Pipeline: "shop-1", Runs: "argo", Events: "argo-events", Token: "shop-token"}

func namespaces(s *kubetest.Server, names ...string) {
	for _, name := range names {
		s.Put("/api/v1/namespaces/"+name, "kubectl", kubetest.Content{"kind": "Namespace", "metadata": kubetest.Content{"name": name}})
	}
}

func deployment(s *kubetest.Server, namespace, name, image string) {
	s.Put("/apis/apps/v1/namespaces/"+namespace+"/deployments/"+name, "kubectl", kubetest.Content{
		"kind": "Deployment", "metadata": kubetest.Content{"name": name, "namespace": namespace},
		"spec": kubetest.Content{"template": kubetest.Content{"spec": kubetest.Content{"containers": []any{kubetest.Content{"image": image}}}}},
	})
}

func bus(s *kubetest.Server, spec kubetest.Content) {
	s.Put("/apis/argoproj.io/v1alpha1/namespaces/argo-events/eventbus/default", "kubectl", kubetest.Content{
		"kind": "EventBus", "metadata": kubetest.Content{"name": "default", "namespace": "argo-events"}, "spec": spec,
		"status": kubetest.Content{"conditions": []any{kubetest.Content{"type": "Deployed", "status": "True"}}},
	})
}

// problems returns the problems of checks, by what was checked.
func problems(checks []kube.Check) map[string]string {
	found := map[string]string{}
	for _, check := range checks {
		if check.Problem != "" {
			found[check.What] = check.Problem
		}
	}
	return found
}

func ready(s *kubetest.Server, workflows, events string) {
	namespaces(s, "argo", "argo-events")
	deployment(s, "argo-system", "workflow-controller", "quay.io/argoproj/workflow-controller:"+workflows)
	deployment(s, "argo-system", "controller-manager", "quay.io/argoproj/argo-events:"+events)
	bus(s, kubetest.Content{"jetstream": kubetest.Content{"maxPayload": "34MB"}})
}

func TestACompleteClusterHasNoProblem(t *testing.T) {
	s, c := newServer(t)
	ready(s, "v3.7.18", "v1.9.10")
	checks := c.Preflight(t.Context(), usual)
	assert.Empty(t, problems(checks))
	assert.Len(t, checks, 6)
}

func TestPreflightReportsEverythingThatAnEmptyClusterLacks(t *testing.T) {
	_, c := newServer(t)
	assert.Equal(t, map[string]string{
		"namespace argo": "it does not exist", "namespace argo-events": "it does not exist",
		"Argo Workflows": "no deployment runs the image workflow-controller", "Argo Events": "no deployment runs the image argo-events",
		"EventBus default in argo-events": "it does not exist",
	}, problems(c.Preflight(t.Context(), usual)))
}

func TestAClusterWithoutNativeSidecarsIsRefused(t *testing.T) {
	for text, want := range map[string][2]string{
		`{"gitVersion":"v1.28.15-eks-1"}`: {"Kubernetes v1.28.15-eks-1", "it does not run native sidecar containers, which commands of the repository run in"},
		`{"gitVersion":"v1.9.0"}`:         {"Kubernetes v1.9.0", "it does not run native sidecar containers, which commands of the repository run in"},
		`{"gitVersion":"v1.29.0"}`:        {},
		`{"gitVersion":"v1.30.4+k3s1"}`:   {},
		`{"gitVersion":"v2.0.0"}`:         {},
		`{"gitVersion":"devel"}`:          {"version of Kubernetes", `cannot parse "devel"`},
		`<html>`:                          {"version of Kubernetes", `cannot parse ""`},
	} {
		s, c := newServer(t)
		ready(s, "v3.7.18", "v1.9.10")
		s.Texts["/version"] = text
		for _, check := range c.Preflight(t.Context(), usual) {
			switch {
			case check.Problem == "":
			case want == [2]string{}:
				t.Errorf("%s: %+v", text, check)
			default:
				assert.Equal(t, want, [2]string{check.What, check.Problem})
				assert.Equal(t, strings.HasPrefix(want[0], "Kubernetes"), check.Failed())
				assert.Contains(t, check.Fix, "1.29")
				want = [2]string{}
			}
		}
		assert.Equal(t, [2]string{}, want, "%s is reported", text)
	}
}

func TestAClusterThatCannotBeReachedIsOneProblem(t *testing.T) {
	s, c := newServer(t)
	s.Refuse = func(r kubetest.Request) int {
		if r.Path == "/version" {
			return http.StatusForbidden
		}
		return 0
	}
	ready(s, "v3.7.18", "v1.9.10")
	refused := problems(c.Preflight(t.Context(), usual))
	assert.Len(t, refused, 1, "an answer is one, and the other checks pass")
	assert.Contains(t, refused["version of Kubernetes"], "cannot read it: ")

	c.Raw = func(context.Context, string) ([]byte, error) { return nil, errors.New("connection refused") }
	checks := c.Preflight(t.Context(), usual)
	require.Len(t, checks, 1)
	assert.True(t, checks[0].Failed())
	assert.Equal(t, map[string]string{"API server of the cluster": "it cannot be reached: connection refused"}, problems(checks))
}

func TestVersionsWithKnownVulnerabilitiesAreRefused(t *testing.T) {
	for versions, refused := range map[[2]string]bool{
		{"v3.7.14", "v1.9.6"}: true, {"v3.6.99", "v1.9.6"}: true, {"v4.0.5", "v1.9.6"}: true, {"v2.12.13", "v1.9.6"}: true,
		{"v3.7.15", "v1.9.5"}: true, {"v3.7.15", "v1.8.0"}: true, {"v3.7.15", "v0.17.0"}: true,
		{"v3.7.15", "v1.9.6"}: false, {"v3.8.0", "v1.10.0"}: false, {"v4.0.6", "v2.0.0"}: false, {"v5.0.0", "1.9.6"}: false,
		{"v3.7.18-patched", "v1.9.6"}: false,
	} {
		s, c := newServer(t)
		ready(s, versions[0], versions[1])
		found := problems(c.Preflight(t.Context(), usual))
		assert.Equal(t, refused, len(found) > 0, "%v: %v", versions, found)
	}
}

func TestAVersionThatCannotBeReadIsAWarning(t *testing.T) {
	s, c := newServer(t)
	ready(s, "latest", "v1.9.10")
	for _, check := range c.Preflight(t.Context(), usual) {
		if check.Problem != "" {
			assert.True(t, check.Warning)
			assert.Contains(t, check.Problem, `cannot parse the version of the image "quay.io/argoproj/workflow-controller:latest"`)
			assert.Contains(t, check.Fix, "3.7.15 or 4.0.6")
		}
	}
}

func TestABusThatLosesEventsIsReported(t *testing.T) {
	for want, spec := range map[string]kubetest.Content{
		"GitHub's largest pushes":              {"jetstream": kubetest.Content{}},
		"GitHub's largest pushes:":             {"jetstream": kubetest.Content{"maxPayload": "25MB"}},
		"cannot filter one event source twice": {"nats": kubetest.Content{"native": kubetest.Content{}}},
	} {
		s, c := newServer(t)
		ready(s, "v3.7.18", "v1.9.10")
		bus(s, spec)
		assert.Contains(t, problems(c.Preflight(t.Context(), usual))["EventBus default in argo-events"], want)
	}
}

func TestPreflightNeedsNoMoreThanPermissionsInTheNamespaces(t *testing.T) {
	s, c := newServer(t)
	namespaces(s, "argo", "argo-events")
	deployment(s, "argo", "workflow-controller", "quay.io/argoproj/workflow-controller:v3.7.18")
	deployment(s, "argo-events", "controller-manager", "quay.io/argoproj/argo-events:v1.9.10")
	bus(s, kubetest.Content{"jetstream": kubetest.Content{"maxPayload": "34MB"}})
	s.Refuse = func(r kubetest.Request) int {
		parts := strings.Split(r.Path, "/")
		if r.Path == "/apis/apps/v1/deployments" || len(parts) == 5 && parts[3] == "namespaces" {
			return http.StatusForbidden
		}
		return 0
	}
	shared := usual
	shared.Shared = true
	for _, check := range c.Preflight(t.Context(), shared) {
		assert.False(t, check.Failed(), check)
	}
}

func TestANamespaceThatAPipelineDoesNotHaveForItselfIsRefusedUnlessItIsAccepted(t *testing.T) {
	const inOne = " in it, and Kubernetes does not separate the identities, Secrets and pods of one namespace"
	for who, place := range map[string]func(*kubetest.Server){
		"the controller of Argo Workflows runs": func(s *kubetest.Server) {
			deployment(s, "argo", "workflow-controller", "quay.io/argoproj/workflow-controller:v3.7.18")
		},
		"the pipeline market-1 is": func(s *kubetest.Server) {
			for _, name := range []string{"market-00", "market-7f"} {
				s.Put(argoPath+"workflowtemplates/"+name, "aphex", labelled("WorkflowTemplate", "argo", name, "market-1"))
			}
		},
	} {
		s, c := newServer(t)
		ready(s, "v3.7.18", "v1.9.10")
		s.Put(argoPath+"workflowtemplates/shop-00", "aphex", labelled("WorkflowTemplate", "argo", "shop-00", "shop-1"))
		s.Put("/api/v1/namespaces/argo/secrets/shop-token", "aphex", token("YQ=="))
		assert.Empty(t, problems(c.Preflight(t.Context(), usual)), "the pipeline's own objects may be there")
		place(s)
		for _, accepted := range []bool{false, true} {
			p := usual
			p.Shared = accepted
			checks := c.Preflight(t.Context(), p)
			assert.Equal(t, map[string]string{"namespace argo for this pipeline alone": who + inOne}, problems(checks))
			for _, check := range checks {
				assert.Equal(t, check.Problem != "" && !accepted, check.Failed(), check)
			}
		}
	}
}

func token(text string) kubetest.Content {
	return kubetest.Content{"kind": "Secret", "apiVersion": "v1", "metadata": kubetest.Content{"name": "shop-token", "namespace": "argo"}, "data": kubetest.Content{"token": text}}
}

func TestATokenWithoutWhichPodsDoNotStartIsLookedFor(t *testing.T) {
	const what = "token of the pods in secret shop-token"
	s, c := newServer(t)
	ready(s, "v3.7.18", "v1.9.10")
	assert.Len(t, c.Preflight(t.Context(), usual), 6, "a new pipeline has none yet")
	s.Put(argoPath+"workflowtemplates/shop-00", "aphex", labelled("WorkflowTemplate", "argo", "shop-00", "shop-1"))
	assert.Equal(t, map[string]string{what: "it does not exist, and pods do not start without it"}, problems(c.Preflight(t.Context(), usual)))
	s.Put("/api/v1/namespaces/argo/secrets/shop-token", "kubectl", token(""))
	assert.Equal(t, map[string]string{what: "Kubernetes has written no token into it, and pods do not start without one"}, problems(c.Preflight(t.Context(), usual)))
	s.Put("/api/v1/namespaces/argo/secrets/shop-token", "kubectl", token("YQ=="))
	assert.Empty(t, problems(c.Preflight(t.Context(), usual)))
	assert.Len(t, c.Preflight(t.Context(), usual), 7)
}

func TestTheWebhookSecretIsWrittenButNeverAWeakOne(t *testing.T) {
	s, c := newServer(t)
	secret := func(pipeline string) kube.WebhookSecret {
		return kube.WebhookSecret{Object: object("v1", "Secret", "argo-events", "shop-webhook", ""), Pipeline: pipeline, Key: "secret"}
	}
	for _, weak := range []string{"", "short"} {
		_, err := c.PutWebhookSecret(t.Context(), secret("shop-1"), weak)
		assert.ErrorContains(t, err, "fewer than 16")
	}
	_, err := c.PutWebhookSecret(t.Context(), secret("shop-1"), "0123456789abcdef")
	require.NoError(t, err)
	stored := s.Object("/api/v1/namespaces/argo-events/secrets/shop-webhook")
	assert.Equal(t, kubetest.Content{"secret": "MDEyMzQ1Njc4OWFiY2RlZg=="}, stored.Object["data"])

	_, err = c.PutWebhookSecret(t.Context(), secret("other-2"), "0123456789abcdef")
	assert.ErrorContains(t, err, "belongs to the pipeline")
}

func TestTheWebhooksAddressIsThatOfItsLoadBalancer(t *testing.T) {
	s, c := newServer(t)
	service := object("v1", "Service", "argo-events", "shop-svc", "")
	path := "/api/v1/namespaces/argo-events/services/shop-svc"
	for want, content := range map[string]kubetest.Content{
		"lb.example.test": {"spec": kubetest.Content{"type": "LoadBalancer"}, "status": kubetest.Content{"loadBalancer": kubetest.Content{"ingress": []any{kubetest.Content{"hostname": "lb.example.test"}}}}},
		"192.0.2.1":       {"spec": kubetest.Content{"type": "LoadBalancer"}, "status": kubetest.Content{"loadBalancer": kubetest.Content{"ingress": []any{kubetest.Content{"ip": "192.0.2.1"}}}}},
		"":                {"spec": kubetest.Content{"type": "NodePort"}},
	} {
		content["kind"], content["metadata"] = "Service", kubetest.Content{"name": "shop-svc"}
		s.Put(path, "kubectl", content)
		address, err := c.WebhookAddress(t.Context(), service)
		require.NoError(t, err)
		assert.Equal(t, want, address)
	}
}
