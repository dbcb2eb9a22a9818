package scaffold

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// Render returns a commented aphex-config.yaml for an app. The file is valid: unknown
// values are examples with a comment, or keys that are commented out. Values that are not
// valid for their key are left out.
func Render(app App) []byte {
	page := &page{}
	page.line("# yaml-language-server: $schema=%s", config.SchemaURL)
	page.line("# The pipeline of this repository. Every key: https://github.com/aphex/aphex-pipeline/blob/main/docs/configuration.md")
	page.line(`version: "%s"`, config.Version)
	page.repository(app)
	page.build(app)
	stacks := page.stacks(app)
	page.environments(app, stacks)
	return []byte(page.text.String())
}

// page builds the file.
type page struct{ text strings.Builder }

func (p *page) line(format string, args ...any) {
	fmt.Fprintf(&p.text, format+"\n", args...)
}

func (p *page) repository(app App) {
	p.line("\n# Where pushes come from. A cluster needs these three keys, a local run none of them.")
	p.key("githubOwner", app.Owner, "my-org")
	p.key("githubRepo", app.Repo, "my-app")
	p.line("# clusterName: my-cluster")
	if app.Host != "" && app.Host != "github.com" && config.Accepts[config.Config]("githubHost", app.Host) {
		p.line("# The GitHub Enterprise Server that has the repository.\ngithubHost: %s", quote(app.Host))
	}
	if app.Branch != "main" && config.Accepts[config.Config]("githubBranch", app.Branch) {
		p.line("# The branch whose pushes are deployed.\ngithubBranch: %s", quote(app.Branch))
	}
	name := app.Repo
	if own := app.pipeline(); own != "" {
		folder := path.Dir(app.file)
		p.line("\n# The name of this pipeline, apart from others of the repository.\nworkflowTemplateName: %s", own)
		p.line("# Every push to the branch deploys, unless it changes none of these files. Add the folders that the app shares with others.")
		p.line("# triggers:\n#   paths: [%s]", quote(folder+"/**"))
		name = own
	}
	p.cluster(namespaceOf(name))
}

// mostOfPipeline is the length of the name of a pipeline, of the 23 characters of the
// prefix of its runs.
const mostOfPipeline = 22

// pipeline returns a name for the pipeline of a configuration in a folder of the
// repository, which may have others; "" is that of the repository.
func (a App) pipeline() string {
	folder := path.Dir(a.file)
	if a.file == "" || folder == "." {
		return ""
	}
	own := namespaceOf(path.Base(folder))
	if whole := namespaceOf(a.Repo + "-" + path.Base(folder)); a.Repo != "" && len(whole) <= mostOfPipeline {
		own = whole
	}
	own = strings.TrimRight(own[:min(len(own), mostOfPipeline)], "-")
	if !config.Accepts[config.Config]("workflowNamePrefix", own+"-") {
		return ""
	}
	return own
}

// cluster writes how the pipeline is apart from others on its cluster, and how it is
// reached. The namespace is that of its runs; "" is unknown.
func (p *page) cluster(namespace string) {
	events := ""
	if namespace != "" {
		events = namespace + "-events"
	}
	p.line("\n# Namespaces of this pipeline only: Kubernetes does not separate what is in one namespace.")
	p.key("argoNamespace", namespace, "my-app")
	p.key("argoEventsNamespace", events, "my-app-events")
	p.line("# GitHub reaches the webhook through your ingress with TLS. The alternative is LoadBalancer with webhookCertificateArn.")
	p.line("webhookService: ClusterIP")
}

var notInNamespace = regexp.MustCompile(`[^a-z0-9]+`)

// mostOfNamespace is the length of a namespace of the runs, of 63 with room for that of
// the events.
const mostOfNamespace = 50

// namespaceOf returns a namespace for the pipeline of a repository, or "".
func namespaceOf(repository string) string {
	name := strings.Trim(notInNamespace.ReplaceAllString(strings.ToLower(repository), "-"), "-")
	return strings.TrimRight(name[:min(len(name), mostOfNamespace)], "-")
}

// key writes a key of the top level, commented out if it has no valid value.
func (p *page) key(key, value, example string) {
	if config.Accepts[config.Config](key, value) {
		p.line("%s: %s", key, quote(value))
		return
	}
	p.line("# %s: %s", key, example)
}

func (p *page) build(app App) {
	p.line("\n# How the application is built, once for all environments.")
	for _, note := range app.Notes {
		p.line("# %s", strings.ReplaceAll(note, "\n", "\n# "))
	}
	commands := runnable(app.Build)
	if len(commands) == 0 {
		p.line("# build:\n#   commands:\n#     - npm ci")
		return
	}
	p.line("build:\n  commands:")
	p.list("    ", commands)
}

func (p *page) list(indent string, texts []string) {
	for _, text := range texts {
		p.line("%s- %s", indent, quote(text))
	}
}

// stacks writes the recognised stacks, or a pattern that selects all.
func (p *page) stacks(app App) []Stack {
	p.line("\n# The stacks of the CDK app. Their order is the order of deployment.")
	stacks := app.usable()
	if stacks == nil {
		stacks = []Stack{{Name: "**", Path: app.path(), Reached: app.reached}}
		p.line("# None was recognized in the app's source, so this selects every stack of the app. `generator init --synth` runs the")
		p.line("# app and writes them, and the regions and CDK bootstraps that they need. `cdk list` prints their names too.")
	} else if slices.ContainsFunc(stacks, isPattern) {
		p.line("# A name with * is made while the app runs, or means the stacks of a stage. `generator init --synth` runs the app")
		p.line("# and writes them, and the regions and CDK bootstraps that they need.")
	}
	if app.Others != nil {
		p.line("# Not in this file: %s", Listed("CDK app", app.Others))
	}
	p.line("stacks:")
	for _, stack := range stacks {
		p.line("  - name: %s", quote(stack.Name))
		if stack.Path != "" {
			p.line("    path: %s", quote(stack.Path))
		}
	}
	return stacks
}

func isPattern(stack Stack) bool { return strings.Contains(stack.Name, "*") }

func (p *page) environments(app App, stacks []Stack) {
	p.line("\n# Where it is deployed, one after the other.\nenvironments:")
	all := targets(stacks)
	for i, target := range all {
		p.environment(target, app, i)
	}
	if len(all) > 1 {
		return
	}
	p.line("  # Another one, which requires approval:")
	p.line("  # - name: prod\n  #   account: \"222222222222\"\n  #   region: %s", cmp.Or(all[0].region, Region))
	p.line("  #   stacks: [%s]\n  #   requiresApproval: true", strings.Join(names(stacks), ", "))
}

// environment writes account, region and tests of an environment. Only the first one has
// an example of tests. Unknown accounts get different placeholders.
func (p *page) environment(target target, app App, place int) {
	p.line("  - name: %s", target.name)
	if target.account == "" {
		p.line("    # The account was not recognized: replace this example.")
	}
	p.line("    account: %q", cmp.Or(target.account, strings.Repeat(strconv.Itoa(place%9+1), len(Account))))
	if target.region == "" {
		p.line("    # The region was not recognized: replace this example.")
	}
	p.line("    region: %s", cmp.Or(target.region, Region))
	if target.further != nil {
		p.line("    regions: [%s]", strings.Join(target.further, ", "))
	}
	if target.qualifiers != nil {
		p.line("    bootstrapQualifiers: [%s]", strings.Join(quoted(target.qualifiers), ", "))
	}
	p.line("    stacks: [%s]", strings.Join(target.stacks, ", "))
	p.tests(app, place == 0)
}

func (p *page) tests(app App, first bool) {
	commands := runnable(app.Tests)
	switch {
	case len(commands) == 0 && !first:
		return
	case len(commands) == 0:
		p.line("    # Tests of the deployment, with its outputs in the file $STACK_OUTPUTS:")
		p.line("    # tests:\n    #   commands:\n    #     - npm run integration-test")
		return
	}
	p.line("    tests:\n      commands:")
	p.list("        ", commands)
}

// runnable returns the commands that are valid in a configuration.
func runnable(commands []string) []string {
	return slices.DeleteFunc(slices.Clone(commands), func(command string) bool {
		return !config.Accepts[config.Build]("commands", command)
	})
}

func names(stacks []Stack) []string {
	var names []string
	for _, stack := range stacks {
		names = append(names, stack.Name)
	}
	return quoted(names)
}

func quoted(texts []string) []string {
	var all []string
	for _, text := range texts {
		all = append(all, quote(text))
	}
	return all
}

// plain has no digit after a leading dot: .5 is a number.
var plain = regexp.MustCompile(`^(?:[A-Za-z/]|\./)[A-Za-z0-9_./:=@&+ -]*[A-Za-z0-9_./]$|^[A-Z]$`)

// words are plain scalars that some YAML parser does not read as strings.
var words = []string{"true", "false", "yes", "no", "on", "off", "null", "y", "n"}

// quote writes a string as YAML, plain if that is safe.
func quote(text string) string {
	if plain.MatchString(text) && !strings.Contains(text, ": ") && !slices.Contains(words, strings.ToLower(text)) {
		return text
	}
	return strconv.Quote(text)
}
