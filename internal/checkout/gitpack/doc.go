// Package gitpack receives a pack from a git server and reads its objects by name, with
// concurrent readers and in bounded memory. It replaces go-git's packfile package because
// a checkout spends most of its time here: the pack is parsed while it arrives, deltas are
// resolved on all processors, and objects are read without a lock and without holding
// large ones in memory.
//
// The format is described in git's Documentation/gitformat-pack.
package gitpack
