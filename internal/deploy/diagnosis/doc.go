// Package diagnosis looks behind the first cause of a stack's failure: the log of a custom
// resource's function, the tasks of a service that stopped, and the call that was denied. Each
// look is best effort, all of them together are bounded in time, and none changes anything.
package diagnosis
