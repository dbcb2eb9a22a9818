// Package validation is the stage that says whether a commit is fit to run:
// it checks the configuration, the accounts, their bootstrap stacks, the CDK
// context and the tools, and reports everything that it found in one run.
package validation
