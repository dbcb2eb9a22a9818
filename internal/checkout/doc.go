// Package workspace makes the folder in which a stage works, and runs commands
// in it: a repository at exactly one commit, or a copy of a plain folder.
//
// A checkout runs no git and no hook, fetches no submodule, and asks the server
// for one commit only. What comes from the repository is not trusted: names
// that would reach outside the folder or into .git are refused.
package checkout
