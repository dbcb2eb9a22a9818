// Package assets publishes what a cloud assembly needs outside of its
// templates: files and folders to the bootstrap bucket, container images to
// the bootstrap repository. What is there already is left alone.
package assets
