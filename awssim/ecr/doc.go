// Package ecr simulates ECR: repositories and their images, by digest and tag, and the
// registry that docker pushes to. The registry listens on the simulator's address, so that
// no image leaves the machine; templates use the address in AWS nevertheless.
package ecr
