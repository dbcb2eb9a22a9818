// Package repository finds and opens git repositories on this machine, in one
// way for everybody: ordinary ones, work trees of `git worktree`, submodules,
// bare repositories, those that borrow objects from others (alternates), sparse
// and partial clones, whatever extensions they declare. It runs no program and
// follows nothing that the configuration of a repository could make it run.
package repository
