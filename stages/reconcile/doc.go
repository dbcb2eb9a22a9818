// Package reconcile is the reconciler: the stage that starts the run of a push
// whose webhook never arrived. GitHub sends each delivery once, and a receiver
// that restarts misses it. If the head of the branch had no run, it starts one.
package reconcile
