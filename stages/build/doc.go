// Package build is the stage that builds a commit once for all environments:
// it checks the commit out, runs the build commands, and packs the workspace
// as one digest-named object, so that no later stage clones or installs again.
package build
