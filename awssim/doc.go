// Package awssim simulates AWS for tests and local runs: one HTTP server on the loopback
// interface that implements the protocols of STS, IAM, S3, SSM, Secrets Manager, ECR with
// its registry, and CloudFormation, and the lookups of CDK apps in EC2, Elastic Load
// Balancing, Route 53, KMS and Cloud Control. The unmodified AWS CLI, CDK CLI and AWS SDKs
// work with it.
//
// It is as strict as AWS. Signatures are verified, sessions expire, trust, identity and
// bucket policies are evaluated, and service, region and account of a call are derived
// from its signature. State is kept by account and region. Every response names the
// simulator in its Server header.
//
//	server, err := awssim.New(awssim.Options{})
//	url, err := server.Start()
//	defer server.Close()
//	credentials := server.AddAccount("111111111111")
//	command.Env = credentials.Over(os.Environ(), url, "eu-west-1")
package awssim
