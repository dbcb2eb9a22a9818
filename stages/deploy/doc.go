// Package deploy is the stage that deploys a commit to one environment:
// it enters the account, synthesizes the CDK apps, publishes their assets,
// deploys their stacks and keeps the outputs.
package deploy
