// Package limits bounds what is read of files, archives and repositories that others wrote: their bytes, their entries, how
// deep they are nested, and how far a small input may unfold. What is read into memory is a regular file, so that neither a
// device, a pipe nor a file outside of the folder in question is read in its place. Every package may import it.
package limits
