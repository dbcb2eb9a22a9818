package argo

import (
	"strconv"

	eventsv1 "github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// mostOfPush is the largest delivery that GitHub makes, in bytes (GitHub's
// documentation, "Webhook events and payloads": capped at 25 MB). Argo Events
// takes 1 MiB by default.
const mostOfPush = 25 << 20

// event is the name of the pipeline's events in its EventSource.
const event = "github"

// eventSource renders the receiver of GitHub's webhooks. A delivery without the
// right signature is refused, as the secret is always set; a missing Secret
// keeps the receiver from starting.
func (r *renderer) eventSource() *eventsv1.EventSource {
	return &eventsv1.EventSource{
		TypeMeta:   metav1.TypeMeta{APIVersion: argoVersion, Kind: "EventSource"},
		ObjectMeta: r.meta(r.cfg.ArgoEventsNamespace, r.cfg.EventSourceName, "webhook"),
		Spec: eventsv1.EventSourceSpec{
			Template: r.eventPod(r.names.Receiver, "webhook"),
			Github: map[string]eventsv1.GithubEventSource{event: {
				Webhook: &eventsv1.WebhookContext{
					Endpoint: plan.WebhookPath, Method: "POST", Port: strconv.Itoa(plan.WebhookPort), MaxPayloadSize: ptr(int64(mostOfPush)),
				},
				Repositories: []eventsv1.OwnedRepositories{{Owner: r.cfg.GithubOwner, Names: []string{r.cfg.GithubRepo}}},
				Events:       []string{"push", "pull_request"},
				ContentType:  "json",
				Active:       true,
				WebhookSecret: &corev1.SecretKeySelector{
					LocalObjectReference: corev1.LocalObjectReference{Name: r.names.WebhookSecret}, Key: plan.WebhookSecretKey,
				},
			}},
		},
	}
}

// eventPod renders what the pods of EventSource and Sensor are: as restricted
// as those of a run.
func (r *renderer) eventPod(account, component string) *eventsv1.Template {
	place := r.placement()
	return &eventsv1.Template{
		ServiceAccountName: account,
		Metadata:           &eventsv1.Metadata{Labels: r.podLabels(component), Annotations: r.cfg.Pods.Annotations},
		SecurityContext:    podSecurity(),
		NodeSelector:       place.NodeSelector,
		Tolerations:        place.Tolerations,
		Affinity:           place.Affinity,
		PriorityClassName:  place.PriorityClassName,
		ImagePullSecrets:   place.ImagePullSecrets,
		Container: &eventsv1.Container{
			SecurityContext: containerSecurity(),
			Resources:       resources(component, r.cfg.PodLimits),
		},
	}
}

// service renders the Service in front of the webhook. There is none where an
// ingress of the user's own leads to the pods.
func (r *renderer) service() []object {
	if r.cfg.WebhookService == config.NoService {
		return nil
	}
	meta := r.meta(r.cfg.ArgoEventsNamespace, plan.WebhookService(r.cfg.EventSourceName), "webhook")
	if r.cfg.WebhookService == config.LoadBalancer {
		// GitHub calls from outside; the AWS load balancer controller is private unless asked.
		meta.Annotations = map[string]string{"service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing"}
		if r.cfg.WebhookCertificateARN != "" { // on every port of the Service
			meta.Annotations["service.beta.kubernetes.io/aws-load-balancer-ssl-cert"] = r.cfg.WebhookCertificateARN
			meta.Annotations["service.beta.kubernetes.io/aws-load-balancer-backend-protocol"] = "tcp"
		}
	}
	return []object{&corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: meta,
		Spec: corev1.ServiceSpec{
			Type:     corev1.ServiceType(r.cfg.WebhookService),
			Selector: map[string]string{eventsv1.LabelEventSourceName: r.cfg.EventSourceName},
			Ports:    []corev1.ServicePort{{Name: "webhook", Port: plan.WebhookPort, TargetPort: intstr.FromInt32(plan.WebhookPort), Protocol: corev1.ProtocolTCP}},
		},
	}}
}
