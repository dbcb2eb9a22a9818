// Package assets publishes the assets of a cloud assembly: files and folders to
// the bootstrap bucket, container images to the bootstrap repository. Assets that
// exist there are skipped.
package assets
