// Package archive packs a folder into a tar archive compressed with zstd, and
// unpacks it. Equal folders have equal archives: entries are sorted, without
// owners, and have the same time. Archives are not trusted: nothing is written
// outside of the folder, and the unpacked size is limited.
package archive
