// Package deploy is the deployment engine: it deploys stacks of CDK apps to one
// account.
//
// [Engine.Deploy] assumes access to the account, runs the hooks, synthesizes the
// apps (or reads an assembly), selects and orders the stacks, publishes their
// assets and deploys each stack with package cfn. [Engine.Plan] creates change
// sets and executes none, [Engine.Check] stops after the ordering, and
// [Engine.RollBack] rolls back stacks whose earlier deployment was interrupted.
//
// A [Request] is complete: the engine reads no configuration file and no flags,
// and stores nothing in a bucket. The stages do that before and after, and package
// inventory stores for them.
package deploy
