// Package stageimages holds the images of the stages to what images/README.md
// promises. It reads the archives that images/make leaves in bin/images, and
// runs what is in them as pods do: on a read-only root, by a user without rights.
package stageimages
