// Package world is what a cluster has around it, for a cluster that nothing can
// leave: AWS (the simulator), GitHub (git and the statuses of commits), the npm
// registry, and the names by which they are found.
package world
