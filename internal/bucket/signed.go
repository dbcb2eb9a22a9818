package bucket

import (
	"strconv"
	"strings"
)

// ReleaseKey is the key of a release record of a run, counted from 1.
func ReleaseKey(run string, number int) string { return releases.key(run, strconv.Itoa(number)) }

// ReleasesPrefix is the prefix of the keys of the release records of a run.
func ReleasesPrefix(run string) string { return releases.prefix(run) }

// ReleaseNumber returns the number of a release record, if a key is that of one.
func ReleaseNumber(key string) (number int, ok bool) {
	values, ok := releases.parse(key)
	number, err := strconv.Atoi(values["number"])
	return number, ok && err == nil && number > 0
}

// ProvenanceKey is the key of the provenance of the artifact of a commit with a digest
// (sha256:<hex>).
func ProvenanceKey(commit, digest string) string {
	return provenance.key(commit, strings.TrimPrefix(digest, algorithm))
}

// ProvenanceKeys is an IAM pattern for the keys of all provenance.
func ProvenanceKeys() string { return provenance.iam() }

// ReleaseKeys is an IAM pattern for the keys of all release records.
func ReleaseKeys() string { return releases.iam() }
