package argo_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// policies returns the policies by the component whose pods they are about.
func policies(t *testing.T) map[string]networkingv1.NetworkPolicy {
	t.Helper()
	all := map[string]networkingv1.NetworkPolicy{}
	for _, object := range objectsOf(t, github+configuration("dev")) {
		if object.Kind == "NetworkPolicy" {
			var policy networkingv1.NetworkPolicy
			require.NoError(t, yaml.UnmarshalStrict(object.YAML, &policy))
			all[policy.Spec.PodSelector.MatchLabels["app.kubernetes.io/component"]] = policy
		}
	}
	return all
}

// reaches reports whether the policy lets a pod connect to an address.
func reaches(policy networkingv1.NetworkPolicy, address string) bool {
	at := netip.MustParseAddr(address)
	in := func(cidr string) bool { return netip.MustParsePrefix(cidr).Contains(at) }
	for _, rule := range policy.Spec.Egress {
		for _, peer := range rule.To {
			if peer.IPBlock != nil && in(peer.IPBlock.CIDR) && !slices.ContainsFunc(peer.IPBlock.Except, in) {
				return true
			}
		}
	}
	return false
}

func TestNoPodReachesTheCredentialsOfItsNode(t *testing.T) {
	found := policies(t)
	require.Len(t, found, 3)
	for component, policy := range found {
		for _, address := range []string{"169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23"} {
			assert.False(t, reaches(policy, address), "%s: %s", component, address)
		}
		for _, address := range []string{"140.82.121.4", "10.96.0.1", "169.254.20.10", "2600:1f18::1", "fd00:ec2::253"} {
			assert.True(t, reaches(policy, address), "%s: %s", component, address)
		}
		require.NotEmpty(t, policy.Spec.Egress[0].To)
		require.NotNil(t, policy.Spec.Egress[0].To[0].NamespaceSelector, "the pods of the cluster")
		assert.Equal(t, []networkingv1.PolicyType{"Ingress", "Egress"}, policy.Spec.PolicyTypes, component)
	}
}

func TestOnlyTheWebhookIsCalledFromOutsideOfItsPod(t *testing.T) {
	for component, policy := range policies(t) {
		if component != "webhook" {
			assert.Empty(t, policy.Spec.Ingress, component)
			continue
		}
		require.Len(t, policy.Spec.Ingress, 1)
		require.Len(t, policy.Spec.Ingress[0].Ports, 1)
		assert.Equal(t, 12000, policy.Spec.Ingress[0].Ports[0].Port.IntValue())
		assert.Equal(t, corev1.ProtocolTCP, *policy.Spec.Ingress[0].Ports[0].Protocol)
	}
}

func TestThePodsOfAPipelineHaveItsPolicies(t *testing.T) {
	found := policies(t)
	template := render(t, github+configuration("dev"))
	assert.True(t, labels.SelectorFromSet(found["workflow"].Spec.PodSelector.MatchLabels).Matches(labels.Set(template.Spec.PodMetadata.Labels)))
	for _, node := range template.Spec.Templates {
		assert.Empty(t, node.Metadata.Labels, "a template's labels would replace those of the pod")
	}
}
