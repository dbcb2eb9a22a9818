// Package repository finds and opens git repositories on this machine: ordinary ones,
// work trees of `git worktree`, submodules, bare repositories, those with alternates, and
// sparse and partial clones. It runs no program, not even one that the configuration of a
// repository names.
package repository
