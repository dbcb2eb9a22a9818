package plan

import "strconv"

// The port and path of the webhook.
const (
	WebhookPort = 12000
	WebhookPath = "/push"
)

// WebhookService is the name of the Service in front of the webhook: the one that
// Argo Events would give a Service of its own, so that an ingress written for one
// finds the other.
func WebhookService(eventSource string) string { return eventSource + "-eventsource-svc" }

// WebhookInCluster is the URL of the webhook as the cluster's own pods reach it.
func WebhookInCluster(eventSource, namespace string) string {
	return "http://" + WebhookService(eventSource) + "." + namespace + ".svc:" + strconv.Itoa(WebhookPort) + WebhookPath
}
