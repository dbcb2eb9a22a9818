package config

// WebhookProblem returns why the webhook must not be installed, and what to do: it is
// reached from outside of the cluster over plain HTTP, which the configuration does not
// allow. It returns "" otherwise.
func (c *Config) WebhookProblem() (problem, hint string) {
	if problem, hint = c.PlainHTTP(); problem == "" || c.WebhookAllowHTTP {
		return "", ""
	}
	return problem, hint + ", or accept plain HTTP with webhookAllowHttp: true"
}

// PlainHTTP returns what it means that the webhook is reached from outside of the cluster
// over plain HTTP, allowed or not, and how to encrypt it. It returns "" otherwise.
func (c *Config) PlainHTTP() (problem, hint string) {
	if c.WebhookCertificateARN != "" {
		return "", ""
	}
	const plain = "the webhook is reached over plain HTTP: whoever reads a delivery on its way can send it again"
	const ingress = "set webhookService: ClusterIP and route an ingress with TLS to it"
	switch c.WebhookService {
	case LoadBalancer:
		return plain, "set webhookCertificateArn to a certificate for the load balancer, or " + ingress
	case NodePort:
		return plain, ingress
	case ClusterIP, NoService:
	}
	return "", ""
}
