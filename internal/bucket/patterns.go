package bucket

import (
	"regexp"
	"slices"
	"strings"
)

// CommitKeys is an IAM pattern for all keys of commits, and no others: a commit has
// exactly this number of characters before the slash.
func CommitKeys() string { return strings.Repeat("?", commitDigits) + "/*" }

// RecordKeys is an IAM pattern for the keys of the records of runs.
func RecordKeys() string { return runRecords.prefix() + "*" }

// StepRecordKeys are IAM patterns for the keys of the records of a writer's steps.
func StepRecordKeys(w Writer) []string {
	var all []string
	for _, step := range stepsOf[w] {
		all = append(all, stepRecords.key("*", step))
	}
	return all
}

// ProofKeys are IAM patterns for the keys of the records of steps that deploy and test.
func ProofKeys() []string { return StepRecordKeys(Deployment) }

// Writes are IAM patterns for the keys that a writer may write.
func Writes(w Writer) []string {
	var all []string
	for _, k := range layout {
		if slices.Contains(k.by, w) {
			all = append(all, k.iam())
		}
	}
	all = append(all, StepRecordKeys(w)...)
	var needed []string
	for i, pattern := range all {
		covered := func(other string) bool { return other != pattern && covers(other, pattern) }
		if !slices.ContainsFunc(all, covered) && !slices.Contains(all[:i], pattern) {
			needed = append(needed, pattern)
		}
	}
	return needed
}

// covers reports whether an IAM pattern matches all that another one matches. Policies
// have a limit of their size.
func covers(pattern, other string) bool {
	expression := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile("^" + expression + "$").MatchString(other)
}

// WrittenOnce are IAM patterns for the keys that are never overwritten.
func WrittenOnce() []string {
	var patterns []string
	for _, k := range layout {
		if k.mode == Once {
			patterns = append(patterns, k.iam())
		}
	}
	return patterns
}

// ArtifactKeys is an IAM pattern for the keys of artifacts.
func ArtifactKeys() string { return artifacts.iam() }

// iam returns the pattern of the key as IAM matches it. A * also matches slashes.
func (k kind) iam() string {
	return variable.ReplaceAllStringFunc(k.pattern, func(name string) string {
		if name == "<commit>" {
			return strings.Repeat("?", commitDigits)
		}
		return "*"
	})
}

// CacheKeys is an IAM pattern for the keys of all caches.
func CacheKeys() string { return CachesPrefix() + "*" }

// CachesPrefix is the prefix of the keys of all caches. It is also one of ExpiringPrefixes: of
// several rules, S3 follows the one that removes an object first.
func CachesPrefix() string { return caches.prefix() }
