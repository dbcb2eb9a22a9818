package config

// WebhookProblem returns why the webhook must not be installed, and what to do: it is
// reached from outside of the cluster over plain HTTP, which the configuration does not
// allow. It returns "" otherwise.
func (c *Config) WebhookProblem() (problem, hint string) {
	if c.WebhookAllowHTTP || c.WebhookCertificateARN != "" {
		return "", ""
	}
	const plain = "the webhook is reached over plain HTTP: whoever reads a delivery on its way can send it again"
	const ingress = "set webhookService: ClusterIP and route an ingress with TLS to it"
	const allow = ", or accept plain HTTP with webhookAllowHttp: true"
	switch c.WebhookService {
	case LoadBalancer:
		return plain, "set webhookCertificateArn to a certificate for the load balancer, or " + ingress + allow
	case NodePort:
		return plain, ingress + allow
	case ClusterIP, NoService:
	}
	return "", ""
}
