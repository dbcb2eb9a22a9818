// Package archive turns a folder into one file, a tar compressed with zstd,
// and back. The same folder always gives the same bytes: entries are sorted,
// owners are dropped, and all have the same time. An archive that is read is
// not trusted: nothing is written outside the folder, and what it may unfold
// to is bounded.
package archive
