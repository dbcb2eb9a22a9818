// Package reconcile is the stage that looks for pushes whose webhook never
// arrived: GitHub sends each delivery once, and a receiver that restarts misses
// it. A head of the branch that had no run gets one.
package reconcile
