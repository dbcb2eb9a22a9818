// Package deploy is the deployment engine: it deploys stacks of CDK apps to one
// account.
//
// [Engine.Deploy] assumes access to the account, runs the hooks, synthesizes the
// apps (or reads an assembly), selects the stacks, orders them, publishes their
// assets and deploys each stack by package cfn. [Engine.Plan] makes the change
// sets and executes none, [Engine.Check] stops after the order, and
// [Engine.RollBack] rolls back stacks whose earlier deployment was interrupted.
//
// Of a [Request], everything is known before the engine starts: the engine reads
// no configuration and no flags, and keeps nothing in a bucket. That is what the
// stages do, before and after.
package deploy
