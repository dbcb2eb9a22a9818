// Package schedule runs named tasks with dependencies, a limited number at a time.
// After a failure it starts nothing new and waits for running tasks, as
// CloudFormation continues anyway.
package schedule
