// Package validation is the stage that decides whether a commit can run: it
// checks the configuration, the accounts, their bootstrap stacks, the CDK context
// and the tools, and reports all findings together.
package validation
