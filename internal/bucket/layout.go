package bucket

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Lifetimes of objects in a bucket of S3; in a directory only caches expire.
const (
	// OldVersionsDays is how long overwritten and deleted versions are kept.
	OldVersionsDays = 30
	// HalfUploadsDays is how long the parts of incomplete uploads are kept.
	HalfUploadsDays = 7
	// CacheDays is how long what a build leaves for the next ones is kept, in a directory too.
	CacheDays = 14
	// OldCacheDays is how long versions of it that expired are kept.
	OldCacheDays = 1

	expires = "for `artifactRetentionDays`"
	cached  = "for 14 days"
	stays   = "for good"
)

// suffix is the suffix of the key of an artifact.
const suffix = ".tar.zst"

// signed is the prefix of the keys of signed statements.
const signed = "metadata/signed/"

// kind is a kind of object: its key, and who reads and writes it.
type kind struct {
	pattern string // of the key, with variables in <>
	what    string
	format  string
	writers string
	readers string
	kept    string
	by      []Writer // identities that may write it; those of step records are in stepsOf
	mode    Mode
}

// All kinds of objects in the bucket, as in docs/bucket-layout.md.
var (
	artifacts = kind{
		"<commit>/<sha256>" + suffix, "the built workspace, named by its digest", "tar, compressed with zstd",
		"`builder`", "`deployer pipeline`, `deployer environment`, `tester`", expires,
		[]Writer{Build},
		Once,
	}
	documents = kind{
		"<commit>/artifact.json", "description of the first artifact of the commit: key, digest, sizes, build commands and durations, files of `build.artifacts`, versions of the tools", "JSON",
		"`builder`", "`deployer environment` and `tester` with `--artifact-dir`", expires,
		[]Writer{Build},
		Once,
	}
	outputs = kind{
		"<commit>/<environment>/outputs.json", "stack outputs", "JSON, `{stack: {key: value}}`",
		"`deployer environment`", "`generator run`", expires,
		[]Writer{Deployment},
		Again,
	}
	detailedOutputs = kind{
		"<commit>/<environment>/outputs-detailed.json", "stack outputs with descriptions and export names, as in `STACK_OUTPUTS_DETAILED`", "JSON, `{stack: {key: {value, description, exportName}}}`",
		"`deployer environment`", "`tester`", expires,
		[]Writer{Deployment},
		Again,
	}
	testReports = kind{
		"<commit>/<environment>/tests/report.json", "report of the tests: commands, totals, failed tests", "JSON",
		"`tester`", "people", expires,
		[]Writer{Deployment},
		Again,
	}
	testLogs = kind{
		"<commit>/<environment>/tests/log.txt", "log of the tests, its first 16 MiB", "text",
		"`tester`", "people", expires,
		[]Writer{Deployment},
		Again,
	}
	junitReports = kind{
		"<commit>/<environment>/tests/junit/<path>", "a report of the tests, by its path in the workspace", "JUnit XML",
		"`tester`", "people", expires,
		[]Writer{Deployment},
		Again,
	}
	plans = kind{
		"<commit>/_plans/<run>/<environment>.json", "what the commit of a pull request would change in an environment, by `schema/plan.schema.json`", "JSON",
		"`deployer plan`", "`generator run --plan`", expires,
		[]Writer{Validation},
		Again,
	}
	planComments = kind{
		"<commit>/_plans/<run>/plan.md", "the same of all environments, for a comment on the pull request", "Markdown",
		"`deployer plan`", "people", expires,
		[]Writer{Validation},
		Again,
	}
	stepRecords = kind{
		"metadata/workflows/<run>/<step>.json", "the record of a step: status, start, end, error, outputs; of the attempts after the first, `<step>.2.json` and so on", "JSON",
		"every stage of a run", "`deployer record`, `deployer environment`", stays, nil, Once,
	}
	runRecords = kind{
		"metadata/workflows/<run>.json", "the record of a run, also of failed and stopped ones: status, error, the records of its steps", "JSON",
		"`deployer record`", "`deployer pipeline`, `deployer reconcile`", stays,
		[]Writer{Recording},
		State,
	}
	deployed = kind{
		"metadata/workflows/deployed.json", "the commit that the last successful run deployed without leaving environments out by choice", "JSON, `{commit, run}`",
		"`deployer record`", "`deployer reconcile`, `validator`", stays,
		[]Writer{Recording},
		State,
	}
	index = kind{
		"metadata/workflows/index.json", "what is in which environment, and the last 1,000 runs; the record of a run adds to it, and makes it from the records of all runs if it is missing", "JSON",
		"`deployer record`", "`generator status`, `generator history`", stays,
		[]Writer{Recording},
		State,
	}
	runPages = kind{
		"metadata/workflows/<run>.html", "the page of a run: one file for a browser, which fetches and runs nothing", "HTML",
		"`deployer record`", "people", stays,
		[]Writer{Recording},
		State,
	}
	indexPage = kind{
		"metadata/workflows/index.html", "the page of the pipeline: what is in which environment, the last runs, the four keys of DORA, the slowest steps", "HTML",
		"`deployer record`", "people", stays,
		[]Writer{Recording},
		State,
	}
	releases = kind{
		signed + "releases/<run>/<number>.json", "a release record of a run, signed: what was built and deployed, by whom, through which gates and with which results; a run that is recorded again has one more", "DSSE with an in-toto statement, by `schema/release-record.schema.json`",
		"`deployer record`", "`generator verify`", stays,
		[]Writer{Recording},
		Once,
	}
	provenance = kind{
		signed + "provenance/<commit>/<sha256>.json", "the provenance of an artifact, signed", "DSSE with an in-toto statement: SLSA provenance v1",
		"`builder`", "`deployer environment`, `generator verify`", stays,
		[]Writer{Build},
		Once,
	}
	reached = kind{
		"metadata/deployed/<environment>.json", "the newest commit whose deployment a run began, or that a rollback went back to; the one rolled back (`refused`); whether the environment waits for an approval", "JSON, `{commit, run, former, refused, account, region, approval, guarded}`",
		"`deployer environment`, `deployer pipeline`", "`deployer pipeline`, `deployer environment`, `generator rollback`, `validator`", stays,
		[]Writer{Update, Deployment},
		State,
	}
	order = kind{
		"metadata/order.json", "the last 200 runs whose commits were compared and checked, newest last: the order in which environments get their commits", "JSON, `{runs: [{run, commit, ready}]}`",
		"`deployer pipeline`", "`deployer pipeline`, `deployer environment`, `validator`", stays,
		[]Writer{Update},
		State,
	}
	freezes = kind{
		"metadata/freezes/<environment>.json", "the freeze of an environment that a person made, and who ended it", "JSON, `{from, until, why, by, lifted}`",
		"`generator freeze`, `generator unfreeze`", "`deployer gate`, `deployer environment`, `generator status`", stays,
		nil,
		State,
	}
	overrides = kind{
		"metadata/overrides/<run>/<environment>.json", "the gates that a person lets a run pass although they are closed; with `plan-<commit>` as the run, those that look at plans, for runs that do nothing but what the person saw", "JSON, `[{gates, why, by, attested, at, run, stacks}]`",
		"`deployer pipeline` for `generator override`", "`deployer gate`, `deployer environment`", stays,
		[]Writer{Update},
		State,
	}
	asked = kind{
		"metadata/approvals/<run>.json", "what the gates before the environments of a run look at: the configuration of its commit, and which environments require an approval", "JSON, `{commit, config, approvals}`",
		"`deployer pipeline`", "`deployer gate`, `deployer environment`, `deployer pipeline`, `generator approve`, `generator status`", stays,
		[]Writer{Update},
		State,
	}
	decisions = kind{
		"metadata/approvals/<run>/<environment>.json", "who approved or rejected the deployment of a run to an environment, when and why", "JSON, `[{run, environment, reject, by, attested, why, at}]`",
		"`deployer pipeline` for `generator approve` and `generator reject`", "`deployer gate`, `deployer environment`, `generator status`", stays,
		[]Writer{Update},
		State,
	}
	stacks = kind{
		"metadata/stacks/<environment>.json", "stacks that runs have deployed to the environment, until they are deleted", "JSON",
		"`deployer environment`, `deployer pipeline`", "`deployer pipeline`, `deployer environment`", stays,
		[]Writer{Update, Deployment},
		State,
	}
	templates = kind{
		"metadata/templates/<sha256>.json", "a CloudFormation template of the pipeline's own stack that is too large to send inline, named by its digest", "JSON",
		"`generator bootstrap`, `generator apply`, `deployer pipeline`", "CloudFormation", stays,
		[]Writer{Update},
		Once,
	}
	durations = kind{
		"metadata/durations/<environment>.json", "duration of the last deployment of each stack", "JSON, `{stack: seconds}`",
		"`deployer environment`", "`deployer environment`", stays,
		[]Writer{Deployment},
		State,
	}
	caches = kind{
		"cache/<branch>/<time>-<folders>-<files>-<sha256>" + suffix, "folders of `build.cache`, named by the time, by digests of paths and key, and by its own", "tar, compressed with zstd",
		"`builder`", "`builder`", cached,
		[]Writer{Build},
		Once,
	}
)

var layout = []kind{
	artifacts, documents, outputs, detailedOutputs, testReports, testLogs, junitReports, plans, planComments, stepRecords, runRecords, deployed, index, runPages, indexPage, releases, provenance, reached, order, freezes, overrides, asked, decisions, stacks, durations, templates, caches,
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

// PlanKey is the key of the plan of an environment, in the check of a commit by a run.
func PlanKey(commit, run, environment string) string { return plans.key(commit, run, environment) }

// PlanCommentKey is the key of the same plans as Markdown.
func PlanCommentKey(commit, run string) string { return planComments.key(commit, run) }

// StepRecordKey is the key of the record of an attempt of a run's step, from 1.
func StepRecordKey(run, step string, attempt int) string {
	if attempt > 1 {
		step += "." + strconv.Itoa(attempt)
	}
	return stepRecords.key(run, step)
}

// attempted matches the name of a step, and the number of its attempt after the first.
var attempted = regexp.MustCompile(`^([^.]+)(?:\.([1-9][0-9]{0,5}))?$`)

// StepOfRecord returns the step and the attempt that a record of a run belongs to.
func StepOfRecord(key string) (step string, attempt int, ok bool) {
	values, ok := stepRecords.parse(key)
	found := attempted.FindStringSubmatch(values["step"])
	if !ok || found == nil {
		return "", 0, false
	}
	attempt, err := strconv.Atoi(found[2])
	if err != nil {
		attempt = 1
	}
	return found[1], attempt, true
}

// StepRecordsPrefix is the prefix of the keys of the records of a run's steps.
func StepRecordsPrefix(run string) string { return stepRecords.prefix(run) }

// RunRecordKey is the key of the record of a run.
func RunRecordKey(run string) string { return runRecords.key(run) }

// DeployedKey is the key of the commit that the last successful run deployed. It cannot collide with the name of a run, which has digits of a commit.
func DeployedKey() string { return deployed.key() }

// IndexKey is the key of the index of runs. Like that of DeployedKey, it is no name of a run.
func IndexKey() string { return index.key() }

// RunRecordsPrefix is the prefix of the keys of the records of runs, and of their steps.
func RunRecordsPrefix() string { return runRecords.prefix() }

// RunOfRecord returns the run whose record has this key, if it is such a key.
func RunOfRecord(key string) (run string, ok bool) {
	values, ok := runRecords.parse(key)
	if !ok || key == DeployedKey() || key == IndexKey() {
		return "", false
	}
	return values["run"], true
}

// TemplateKey is the key of a template of the pipeline's own stack with a SHA-256 digest in hexadecimal.
func TemplateKey(digest string) string { return templates.key(digest) }

// TemplatesPrefix is the prefix of these keys.
func TemplatesPrefix() string { return templates.prefix() }

// commitDigits is the length of a commit's SHA.
const commitDigits = 40

// WrittenConditionally is an IAM pattern for all keys that are written once or as state
// and outlive the objects of a commit.
func WrittenConditionally() string { return "metadata/*" }

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
