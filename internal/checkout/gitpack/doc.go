// Package gitpack takes a pack as a git server sends it and gives its objects
// by name, to several readers at once and in bounded memory. It exists beside
// go-git's packfile package because a checkout spends its time here: the pack
// is taken apart while it arrives, deltas are resolved on all processors, and
// objects are read without a lock and without holding a large one in memory.
//
// The format is described in git's Documentation/gitformat-pack.
package gitpack
