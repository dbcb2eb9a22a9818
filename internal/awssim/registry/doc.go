// Package registry is the simulator's ECR: repositories, and images by digest
// and tag as far as publishing needs them. Layers are not kept; an image is
// its manifest, which PutImage brings.
package registry
