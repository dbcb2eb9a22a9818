// Package awsauth assumes roles in AWS accounts. It starts from the SDK's
// default credentials, assumes roles with credentials that refresh themselves,
// verifies the account, and serves credentials to child processes, which may run
// longer than a session of one hour.
package awsauth
