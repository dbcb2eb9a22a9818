// Package verify says what of a run is proven: by the signatures of its release record and of
// the provenance of its artifact, and by comparing both with what the artifact bucket has.
package verify
