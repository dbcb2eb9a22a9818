// Package awssim stands in for AWS in tests and in local runs: one HTTP server
// on the loopback interface that speaks the protocols of STS, IAM, S3, SSM,
// Secrets Manager, ECR with its registry, and CloudFormation, and answers what
// CDK apps look up in EC2, Elastic Load Balancing, Route 53, KMS and Cloud
// Control, well enough for the unmodified AWS CLI, the CDK CLI and the AWS SDKs.
//
// It is strict where AWS is strict. Signatures are verified, sessions expire,
// trust, identity and bucket policies are evaluated, and the service, the
// region and the account of a call follow from its signature alone. State is
// kept by account and region. It is never silent about what it is: every
// answer names the simulator in its Server header.
//
//	server, err := awssim.New(awssim.Options{})
//	url, err := server.Start()
//	defer server.Close()
//	credentials := server.AddAccount("111111111111")
//	command.Env = credentials.Over(os.Environ(), url, "eu-west-1")
package awssim
