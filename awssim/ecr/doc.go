// Package ecr is the simulator's ECR: repositories and their images, by
// digest and tag, and the registry that docker pushes them to. It listens where
// the simulator does, so that no image leaves the machine; what a template
// calls an image is its address in AWS all the same.
package ecr
