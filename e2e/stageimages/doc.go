// Package stageimages tests the images of the stages against images/README.md. It reads
// the archives that images/make writes to bin/images, and runs them as pods do: on a
// read-only root, as an unprivileged user.
package stageimages
