// Package history answers what is in which environment, since when and by whom, and what
// came of each run. The record stage stores it in the artifact bucket; runs that have not
// ended are in the cluster only.
package history
