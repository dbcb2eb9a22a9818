// Package awsauth assumes roles in AWS accounts. It starts from the SDK's
// default credentials, assumes roles whose credentials refresh themselves,
// verifies that the account is the expected one, and serves the credentials to
// child processes, so that they outlive a session of one hour.
package awsauth
