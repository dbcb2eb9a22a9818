package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"unicode"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/tests/conformance/clouds"
)

const (
	account = "111111111111"
	region  = "eu-west-1"
)

// Verdicts about an app.
const (
	same        = "same"
	differs     = "differs"
	cliRefused  = "refused by the CDK CLI only"
	oursRefused = "refused by the deployer only"
	bothRefused = "refused by both"
	forOther    = "refused by both for other reasons"
	broken      = "not compared"
)

// result is what came of an app.
type result struct {
	App         string   `json:"app"`
	Verdict     string   `json:"verdict"`
	Differences []string `json:"differences,omitempty"` // paths in the state of a cloud
	Reasons     []string `json:"reasons,omitempty"`     // why it was refused, or not compared
}

// agrees reports whether both did the same.
func (r result) agrees() bool { return r.Verdict == same || r.Verdict == bothRefused }

// side is one cloud with one copy of the app.
type side struct {
	sim     *awssim.Server
	dir     string
	refused string // what a deployment that failed said in the end
}

// compare deploys an app twice.
func (o options) compare(ctx context.Context, app string) result {
	r := result{App: filepath.Base(app)}
	theirs, err := o.deploy(ctx, app, filepath.Join(o.modules, ".bin", "cdk"),
		"deploy", "**", "--require-approval", "never", "--concurrency", "8", "--no-notices", "--no-color")
	defer theirs.close()
	ours, oursErr := o.deploy(ctx, app, o.deployer,
		"environment", "--environment", "dev", "--source", ".", "--lookups", "--log-format", "text", "--commit", strings.Repeat("0123456789", 4))
	defer ours.close()
	if err = errors.Join(err, oursErr); err == nil {
		err = r.compare(ctx, theirs, ours)
	}
	if err != nil {
		r.Verdict, r.Reasons = broken, []string{err.Error()}
	}
	return r
}

func (r *result) compare(ctx context.Context, theirs, ours side) error {
	places, qualifiers := named(theirs.sim, ours.sim)
	left, err := clouds.Read(ctx, theirs.sim, places, qualifiers...)
	if err != nil {
		return err
	}
	right, err := clouds.Read(ctx, ours.sim, places, qualifiers...)
	if err != nil {
		return err
	}
	switch {
	case theirs.refused != "" && ours.refused != "":
		r.Verdict, r.Reasons = bothRefused, []string{"cdk: " + shorten(theirs.refused), "deployer: " + shorten(ours.refused)}
		if !sayTheSame(theirs.refused, ours.refused) {
			r.Verdict = forOther
		}
	case theirs.refused != "":
		r.Verdict, r.Reasons = cliRefused, []string{shorten(theirs.refused)}
	case ours.refused != "":
		r.Verdict, r.Reasons = oursRefused, []string{shorten(ours.refused)}
	default:
		r.Verdict = same
		if r.Differences = clouds.Differences(left, right); len(r.Differences) > 0 {
			r.Verdict = differs
		}
	}
	return nil
}

// deploy runs one of the two in a copy of the app, against a cloud of its own
// that bootstraps what is named.
func (o options) deploy(ctx context.Context, app, program string, args ...string) (s side, err error) {
	if s.dir, err = os.MkdirTemp("", "bulk-"); err != nil {
		return s, err
	}
	if err := o.copy(app, s.dir); err != nil {
		return s, fmt.Errorf("copying the app: %w", err)
	}
	if s.sim, err = awssim.New(awssim.Options{Bootstrap: &awssim.Bootstrap{Trust: account}}); err != nil {
		return s, err
	}
	if _, err := s.sim.Start(); err != nil {
		return s, err
	}
	limited, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	command := exec.CommandContext(limited, program, args...)
	command.Dir = filepath.Join(s.dir, "app")
	command.Env = append(s.sim.AddAccount(account).Over(os.Environ(), s.sim.URL(), region),
		"CI=true", "HOME="+s.dir, "CDK_DISABLE_CLI_TELEMETRY=true", "ENVIRONMENT_NAME=dev", "PATH="+filepath.Join(o.modules, ".bin")+":"+os.Getenv("PATH"))
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case limited.Err() != nil:
		s.refused = fmt.Sprintf("not finished after %s", o.limit)
	case errors.As(err, &exit):
		s.refused = reason(string(output))
	case err != nil:
		return s, err
	}
	return s, nil
}

// lastLines is how many lines of an output show its end, the reason of a failure among them.
const lastLines = 30

// announces fits a line with which a reason begins.
var announces = regexp.MustCompile(`(?i)\berrors?\b|failed|refused`)

// reason is what an output says in the end about a failure: from the first of
// its last lines that announces one.
func reason(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	lines = lines[max(0, len(lines)-lastLines):]
	return strings.Join(lines[max(0, slices.IndexFunc(lines, announces.MatchString)):], "\n")
}

// shorten makes one line of a reason, for a table.
func shorten(reason string) string {
	text := []rune(strings.Join(strings.Fields(reason), " "))
	if len(text) > 300 {
		return string(text[:300]) + "…"
	}
	return string(text)
}

// inCommon is how many words in a row two reasons share that come from one
// source, CloudFormation or the app: the two programs share no wording that long.
const inCommon = 5

// sayTheSame reports whether two reasons quote the same words.
func sayTheSame(one, other string) bool {
	quoted := runs(one)
	return slices.ContainsFunc(runs(other), func(run string) bool { return slices.Contains(quoted, run) })
}

// runs are all sequences of inCommon words in a reason, or the whole of a shorter one.
func runs(reason string) (all []string) {
	var words []string
	for _, word := range strings.Fields(strings.ToLower(reason)) {
		if word = strings.TrimFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }); word != "" {
			words = append(words, word)
		}
	}
	for i := 0; i == 0 || i+inCommon <= len(words); i++ {
		all = append(all, strings.Join(words[i:min(i+inCommon, len(words))], " "))
	}
	return all
}

// copy makes an app of an app's or an assembly's folder, with our configuration beside it.
func (o options) copy(from, to string) error {
	dir := filepath.Join(to, "app")
	if _, err := os.Stat(filepath.Join(from, "cdk.json")); err == nil {
		if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
			return err
		}
	} else {
		if err := os.CopyFS(filepath.Join(dir, "assembly"), os.DirFS(from)); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "cdk.json"), []byte(`{"app": "assembly"}`), 0o600); err != nil {
			return err
		}
	}
	if err := os.Symlink(o.modules, filepath.Join(dir, "node_modules")); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	text := fmt.Sprintf("version: \"1.0\"\nenvironments:\n  - {name: dev, account: %q, region: %s, regions: [%s], concurrency: 8, stacks: [{name: \"**\", path: cdk.json}]}\n",
		account, region, strings.Join(further(region), ", "))
	return os.WriteFile(filepath.Join(dir, "aphex-config.yaml"), []byte(text), 0o600)
}

func (s side) close() {
	if s.sim != nil {
		_ = s.sim.Close()
	}
	_ = os.RemoveAll(s.dir)
}

// bootstraps are the qualifiers in names of the bootstraps' buckets.
var bootstraps = regexp.MustCompile(`^cdk-([a-z0-9]+)-(?:container-)?assets-`)

// named returns the places and the qualifiers that calls to the clouds named.
func named(sims ...*awssim.Server) (places [][2]string, qualifiers []string) {
	seen, words := map[[2]string]bool{{account, region}: true}, map[string]bool{"hnb659fds": true}
	for _, sim := range sims {
		for _, record := range sim.History() {
			if record.Account != "" && record.Region != "" && record.Service == "cloudformation" {
				seen[[2]string{record.Account, record.Region}] = true
			}
			if match := bootstraps.FindStringSubmatch(record.Target); match != nil {
				words[match[1]] = true
			}
		}
	}
	places = slices.SortedFunc(maps.Keys(seen), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	return places, slices.Sorted(maps.Keys(words))
}

// further are the regions that apps are written for, as far as they are of the region's partition.
func further(region string) []string {
	return slices.DeleteFunc([]string{
		"us-east-2", "us-west-1", "us-west-2", "ca-central-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1", "ap-northeast-1", "ap-southeast-1", "ap-southeast-2",
	}, func(other string) bool { return config.Partition(other) != config.Partition(region) })
}
