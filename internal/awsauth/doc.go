// Package account enters AWS accounts. It starts from the SDK's default
// credentials, assumes roles whose credentials renew themselves, checks that
// the account is the one that was meant, and lends the credentials to child
// processes, so that nothing dies when a session ends after an hour.
package awsauth
