package bucket

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Lifetimes of objects in a bucket of S3; in a directory nothing expires.
const (
	// OldVersionsDays is how long overwritten and deleted versions are kept.
	OldVersionsDays = 30
	// HalfUploadsDays is how long the parts of incomplete uploads are kept.
	HalfUploadsDays = 7

	expires = "for `artifactRetentionDays`"
	stays   = "for good"
)

// suffix is the suffix of the key of an artifact.
const suffix = ".tar.zst"

// Writer is an identity of a pipeline that writes to its bucket.
type Writer string

// The identities that write.
const (
	Validation Writer = "validation"
	Build      Writer = "build"
	Update     Writer = "update of the pipeline"
	Deployment Writer = "deployment and tests"
	Recording  Writer = "record of the run"
)

// stepsOf are the steps whose records a writer writes, as IAM patterns.
var stepsOf = map[Writer][]string{
	Validation: {"validate"}, Build: {"build"}, Update: {"pipeline"}, Deployment: {"deploy-*", "test-*"}, Recording: {"record"},
}

// writersInOrder are all writers, in the order of a run.
var writersInOrder = []Writer{Validation, Build, Update, Deployment, Recording}

// kind is a kind of object: its key, and who reads and writes it.
type kind struct {
	pattern string // of the key, with variables in <>
	what    string
	format  string
	writers string
	readers string
	kept    string
	by      []Writer // identities that may write it; those of step records are in stepsOf
}

// All kinds of objects in the bucket, as in docs/bucket-layout.md.
var (
	artifacts = kind{
		"<commit>/<sha256>" + suffix, "the built workspace, named by its digest", "tar, compressed with zstd",
		"`builder`", "`deployer pipeline`, `deployer environment`, `tester`", expires,
		[]Writer{Build},
	}
	documents = kind{
		"<commit>/artifact.json", "description of the artifact: key, digest, sizes, build commands and durations, files of `build.artifacts`, versions of the tools", "JSON",
		"`builder`", "`deployer environment` and `tester` with `--artifact-dir`", expires,
		[]Writer{Build},
	}
	outputs = kind{
		"<commit>/<environment>/outputs.json", "stack outputs", "JSON, `{stack: {key: value}}`",
		"`deployer environment`", "`generator run`", expires,
		[]Writer{Deployment},
	}
	detailedOutputs = kind{
		"<commit>/<environment>/outputs-detailed.json", "stack outputs with descriptions and export names, as in `STACK_OUTPUTS_DETAILED`", "JSON, `{stack: {key: {value, description, exportName}}}`",
		"`deployer environment`", "`tester`", expires,
		[]Writer{Deployment},
	}
	testReports = kind{
		"<commit>/<environment>/tests/report.json", "report of the tests: commands, totals, failed tests", "JSON",
		"`tester`", "people", expires,
		[]Writer{Deployment},
	}
	testLogs = kind{
		"<commit>/<environment>/tests/log.txt", "log of the tests, its first 16 MiB", "text",
		"`tester`", "people", expires,
		[]Writer{Deployment},
	}
	junitReports = kind{
		"<commit>/<environment>/tests/junit/<path>", "a report of the tests, by its path in the workspace", "JUnit XML",
		"`tester`", "people", expires,
		[]Writer{Deployment},
	}
	stepRecords = kind{
		"metadata/workflows/<run>/<step>.json", "the record of a step: status, start, end, error, outputs", "JSON",
		"every stage of a run", "`deployer record`", stays, nil,
	}
	runRecords = kind{
		"metadata/workflows/<run>.json", "the record of a run, also of failed and stopped ones: status, error, the records of its steps", "JSON",
		"`deployer record`", "`deployer pipeline`, `deployer reconcile`", stays,
		[]Writer{Recording},
	}
	deployed = kind{
		"metadata/workflows/deployed.json", "the commit that the last successful run deployed", "JSON, `{commit, run}`",
		"`deployer record`", "`deployer reconcile`", stays,
		[]Writer{Recording},
	}
	reached = kind{
		"metadata/deployed/<environment>.json", "the newest commit whose deployment to the environment a run began, whatever came of it: no run deploys an older one", "JSON, `{commit, run, former}`",
		"`deployer environment`", "`deployer pipeline`, `deployer environment`", stays,
		[]Writer{Deployment},
	}
	stacks = kind{
		"metadata/stacks/<environment>.json", "stacks that runs have deployed to the environment, until they are deleted", "JSON",
		"`deployer environment`, `deployer pipeline`", "`deployer pipeline`, `deployer environment`", stays,
		[]Writer{Update, Deployment},
	}
	durations = kind{
		"metadata/durations/<environment>.json", "duration of the last deployment of each stack", "JSON, `{stack: seconds}`",
		"`deployer environment`", "`deployer environment`", stays,
		[]Writer{Deployment},
	}
)

var layout = []kind{
	artifacts, documents, outputs, detailedOutputs, testReports, testLogs, junitReports, stepRecords, runRecords, deployed, reached, stacks, durations,
}

// ArtifactKey is the key of the artifact of a commit with a digest (sha256:<hex>).
func ArtifactKey(commit, digest string) string {
	return artifacts.key(commit, strings.TrimPrefix(digest, algorithm))
}

// DocumentKey is the key of the Metadata of a commit's artifact.
func DocumentKey(commit string) string { return documents.key(commit) }

// OutputsKey is the key of the stack outputs of an environment.
func OutputsKey(commit, environment string) string { return outputs.key(commit, environment) }

// DetailedOutputsKey is the key of the stack outputs with descriptions and export names.
func DetailedOutputsKey(commit, environment string) string {
	return detailedOutputs.key(commit, environment)
}

// TestReportKey is the key of the test report of an environment.
func TestReportKey(commit, environment string) string { return testReports.key(commit, environment) }

// TestLogKey is the key of the test log of an environment.
func TestLogKey(commit, environment string) string { return testLogs.key(commit, environment) }

// JUnitKey is the key of a JUnit report at a path of the workspace.
func JUnitKey(commit, environment, path string) string {
	return junitReports.key(commit, environment, path)
}

// StepRecordKey is the key of the record of a step of a run.
func StepRecordKey(run, step string) string { return stepRecords.key(run, step) }

// StepRecordsPrefix is the prefix of the keys of the records of a run's steps.
func StepRecordsPrefix(run string) string { return stepRecords.prefix(run) }

// RunRecordKey is the key of the record of a run.
func RunRecordKey(run string) string { return runRecords.key(run) }

// DeployedKey is the key of the commit that the last successful run deployed. It cannot collide with the name of a run, which has digits of a commit.
func DeployedKey() string { return deployed.key() }

// ReachedKey is the key of the newest commit whose deployment to an environment a run began.
func ReachedKey(environment string) string { return reached.key(environment) }

// ReachedPrefix is the prefix of these keys.
func ReachedPrefix() string { return reached.prefix() }

// ReachedEnvironment returns the environment whose newest commit a key holds, if it is such a key.
func ReachedEnvironment(key string) (environment string, ok bool) {
	values, ok := reached.parse(key)
	return values["environment"], ok
}

// StacksKey is the key of the inventory of an environment: the stacks that runs have deployed to it.
func StacksKey(environment string) string { return stacks.key(environment) }

// StacksPrefix is the prefix of the keys of all inventories.
func StacksPrefix() string { return stacks.prefix() }

// StacksEnvironment returns the environment in the key of an inventory.
func StacksEnvironment(key string) (environment string, ok bool) {
	values, ok := stacks.parse(key)
	return values["environment"], ok
}

// DurationsKey is the key of the deployment durations of an environment's stacks.
func DurationsKey(environment string) string { return durations.key(environment) }

// DurationsPrefix is the prefix of these keys.
func DurationsPrefix() string { return durations.prefix() }

// commitDigits is the length of a commit's SHA.
const commitDigits = 40

// CommitKeys is an IAM pattern for all keys of commits, and no others: a commit has
// exactly this number of characters before the slash.
func CommitKeys() string { return strings.Repeat("?", commitDigits) + "/*" }

// RecordKeys is an IAM pattern for the keys of the records of runs.
func RecordKeys() string { return runRecords.prefix() + "*" }

// Writes are IAM patterns for the keys that a writer may write.
func Writes(w Writer) []string {
	var patterns []string
	add := func(pattern string) {
		if !slices.Contains(patterns, pattern) {
			patterns = append(patterns, pattern)
		}
	}
	for _, k := range layout {
		if slices.Contains(k.by, w) {
			add(k.iam())
		}
	}
	for _, step := range stepsOf[w] {
		add(stepRecords.key("*", step))
	}
	return patterns
}

// ArtifactKeys is an IAM pattern for the keys of artifacts, which are written once.
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

// ExpiringPrefixes are the prefixes of the keys of objects that expire: the keys of
// a commit begin with a hexadecimal digit. Records of runs and the state of environments
// outlive the artifacts: what ran, and what must not be deployed over, stays known.
func ExpiringPrefixes() []string { return strings.Split("0123456789abcdef", "") }

// Folders are the top folders of a commit's objects and of objects without a commit.
func Folders(commit string) []string {
	var folders []string
	for _, k := range layout {
		pattern := strings.Replace(k.pattern, "<commit>", commit, 1)
		top, _, _ := strings.Cut(pattern, "/")
		if !slices.Contains(folders, top) {
			folders = append(folders, top)
		}
	}
	return folders
}

// variable matches a variable of a pattern.
var variable = regexp.MustCompile(`<([a-z0-9]+)>`)

// key returns the key with these values of the variables, in order.
func (k kind) key(values ...string) string {
	at := 0
	return variable.ReplaceAllStringFunc(k.pattern, func(string) string {
		at++
		return values[at-1]
	})
}

// prefix returns the common prefix of all keys with these first values.
func (k kind) prefix(values ...string) string {
	places := variable.FindAllStringIndex(k.pattern, -1)
	return kind{pattern: k.pattern[:places[len(values)][0]]}.key(values...)
}

// parse returns the variables of a key by name, if the key has this kind.
func (k kind) parse(key string) (values map[string]string, ok bool) {
	expression := variable.ReplaceAllStringFunc(regexp.QuoteMeta(k.pattern), func(name string) string {
		if name == "<path>" {
			return "(?P" + name + ".+)"
		}
		return "(?P" + name + "[^/]+)"
	})
	form := regexp.MustCompile("^" + expression + "$")
	found := form.FindStringSubmatch(key)
	if found == nil {
		return nil, false
	}
	values = map[string]string{}
	for i, name := range form.SubexpNames() {
		values[name] = found[i]
	}
	return values, true
}

// Markdown is docs/bucket-layout.md.
func Markdown() string {
	var text strings.Builder
	fmt.Fprintf(&text, `# What the artifact bucket holds

<!-- Generated from internal/bucket/layout.go by make golden. -->

Each pipeline has one bucket (%[1]s). A directory given by %[2]s has the same layout.
Parts in angle brackets vary; %[3]s is a full SHA.

| Key | Holds | Format | Written by | Read by | Kept |
|---|---|---|---|---|---|
`, "`artifactBucketName`", "`--artifact-dir`", "`<commit>`")
	for _, k := range layout {
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s | %s | %s |\n", k.pattern, k.what, k.format, k.writers, k.readers, k.kept)
	}
	text.WriteString(`
Each identity of a pipeline may write the keys below and no other (* is any text). An artifact cannot be overwritten:

| Identity | Writes |
|---|---|
`)
	for _, w := range writersInOrder {
		var keys []string
		for _, pattern := range Writes(w) {
			keys = append(keys, "`"+strings.Replace(pattern, strings.Repeat("?", commitDigits), "<commit>", 1)+"`")
		}
		fmt.Fprintf(&text, "| %s | %s |\n", w, strings.Join(keys, ", "))
	}
	fmt.Fprintf(&text, `
An object that is overwritten or deleted can be restored for %d days. Parts of an upload that was not completed
are removed after %d days. In a directory, nothing expires. The bucket stays when the pipeline is deleted, except
with %s.
`, OldVersionsDays, HalfUploadsDays, "`generator delete --aws --bucket`")
	return text.String()
}
