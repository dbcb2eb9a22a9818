// Package buildkit builds images with a BuildKit, without docker.
//
// What it builds is written by the code that is deployed: options, Dockerfile and folder.
// It sends BuildKit files of the build's own folders alone, never through a link that leaves
// them, and answers for credentials itself: only for the registries that the publisher knows.
// A build gets no entitlement, no SSH agent, and a frontend of Docker's own alone. BuildKit
// pushes to the one destination that the publisher names.
package buildkit
