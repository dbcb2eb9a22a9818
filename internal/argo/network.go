package argo

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Addresses at which a node hands out credentials: the instance metadata service, the
// credentials of ECS and Fargate, and the agent of EKS Pod Identity. No pod of a
// pipeline asks them: each has its own role.
var (
	credentialsIPv4 = []string{"169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32"}
	credentialsIPv6 = []string{"fd00:ec2::254/128", "fd00:ec2::23/128"}
)

// networks renders what the pods of the pipeline may reach, and what reaches them:
// only the webhook is called from outside of its pod.
func (r *renderer) networks() []object {
	webhook := r.network(r.cfg.ArgoEventsNamespace, r.names.Receiver, "webhook")
	webhook.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{Ports: []networkingv1.NetworkPolicyPort{
		{Protocol: ptr(corev1.ProtocolTCP), Port: ptr(intstr.FromInt32(plan.WebhookPort))},
	}}}
	return []object{
		r.network(r.cfg.ArgoNamespace, r.names.Recorder, "workflow"),
		r.network(r.cfg.ArgoEventsNamespace, r.names.Submitter, "trigger"),
		webhook,
	}
}

// network renders the policy of the pods of a component, which nothing calls. Some
// network plugins do not take pods and nodes of the cluster for addresses, so that
// both are named.
func (r *renderer) network(namespace, name, component string) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
		ObjectMeta: r.meta(namespace, name, "network"),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{
				manifest.LabelPipeline: r.names.Pipeline, "app.kubernetes.io/component": component,
			}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			Egress: []networkingv1.NetworkPolicyEgressRule{{To: []networkingv1.NetworkPolicyPeer{
				{NamespaceSelector: &metav1.LabelSelector{}},
				{IPBlock: &networkingv1.IPBlock{CIDR: "0.0.0.0/0", Except: credentialsIPv4}},
				{IPBlock: &networkingv1.IPBlock{CIDR: "::/0", Except: credentialsIPv6}},
			}}},
		},
	}
}
