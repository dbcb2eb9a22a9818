// Package archive turns a folder into one file, a tar compressed with zstd,
// and back. The same folder always gives the same bytes: entries are sorted,
// owners are dropped, and all have the same time. Archives are not
// trusted: nothing is written outside the folder, and the unpacked size is
// limited.
package archive
