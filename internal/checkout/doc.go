// Package checkout creates the folder in which a stage works, and runs commands
// in it: a repository at exactly one commit, or a copy of a plain folder.
//
// A checkout runs no git and no hook, and requests one commit only, and those of
// submodules where they are asked for. The contents of the repository are untrusted: names that would
// reach outside the folder or into .git are refused.
package checkout
