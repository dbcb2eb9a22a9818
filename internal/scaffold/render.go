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

// What stands in the file where the app tells nothing.
const (
	someAccount = "111111111111"
	someRegion  = "us-east-1"
)

// Render gives a commented aphex-config.yaml for an app. It loads as it is:
// what the app does not tell is an example that its comment points out, or a
// key behind a `#`. What breaks the rules of its key is left out.
func Render(app App) []byte {
	page := &page{}
	page.line("# yaml-language-server: $schema=%s", config.SchemaURL)
	page.line("# The pipeline of this repository. Every key: https://github.com/aphex/aphex-pipeline/blob/main/docs/configuration.md")
	page.line(`version: "%s"`, config.Version)
	page.repository(app)
	page.build(app)
	stacks, recognised := usable(app)
	page.stacks(stacks, recognised)
	page.environments(app, stacks)
	return []byte(page.text.String())
}

// page is the file as it grows.
type page struct{ text strings.Builder }

func (p *page) line(format string, args ...any) {
	fmt.Fprintf(&p.text, format+"\n", args...)
}

func (p *page) repository(app App) {
	p.line("\n# Where pushes come from. A cluster needs these three keys, a local run none of them.")
	p.key("githubOwner", app.Owner, "my-org")
	p.key("githubRepo", app.Repo, "my-app")
	p.line("# clusterName: my-cluster")
	if app.Branch != "main" && config.Accepts[config.Config]("githubBranch", app.Branch) {
		p.line("# The branch whose pushes are deployed.\ngithubBranch: %s", quote(app.Branch))
	}
}

// key writes a key of the top level, commented out when it has no good value.
func (p *page) key(key, value, example string) {
	if config.Accepts[config.Config](key, value) {
		p.line("%s: %s", key, quote(value))
		return
	}
	p.line("# %s: %s", key, example)
}

func (p *page) build(app App) {
	p.line("\n# How the application is built, once for all environments.")
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

func (p *page) stacks(stacks []Stack, recognised bool) {
	p.line("\n# The stacks of the CDK app. Their order is the order of deployment.")
	if !recognised {
		p.line("# None was recognised in the app's source: write their names here, as `cdk list` tells them.")
	}
	p.line("stacks:")
	for _, stack := range stacks {
		p.line("  - name: %s", quote(stack.Name))
		if stack.Path != "" {
			p.line("    path: %s", quote(stack.Path))
		}
	}
}

func (p *page) environments(app App, stacks []Stack) {
	p.line("\n# Where it is deployed, one after the other.\nenvironments:")
	all := targets(stacks)
	for _, target := range all {
		p.environment(target, app)
	}
	if len(all) > 1 {
		return
	}
	p.line("  # Another one, after a person has approved:")
	p.line("  # - name: prod\n  #   account: \"222222222222\"\n  #   region: %s", cmp.Or(all[0].region, someRegion))
	p.line("  #   stacks: [%s]\n  #   requiresApproval: true", strings.Join(names(stacks), ", "))
}

// environment tells where an environment is, and how it is tested. How tests
// are written is shown at the first one only.
func (p *page) environment(target target, app App) {
	p.line("  - name: %s", target.name)
	if target.account == "" {
		p.line("    # The app does not tell its account: write yours here.")
	}
	p.line("    account: %q", cmp.Or(target.account, someAccount))
	if target.region == "" {
		p.line("    # The app does not tell its region: write yours here.")
	}
	p.line("    region: %s", cmp.Or(target.region, someRegion))
	p.line("    stacks: [%s]", strings.Join(target.stacks, ", "))
	p.tests(target, app)
}

func (p *page) tests(target target, app App) {
	commands := runnable(app.Tests)
	switch {
	case len(commands) == 0 && target.name != firstName:
		return
	case len(commands) == 0:
		p.line("    # Tests of the deployment, with its outputs in the file $STACK_OUTPUTS:")
		p.line("    # tests:\n    #   commands:\n    #     - npm run integration-test")
		return
	}
	p.line("    tests:\n      commands:")
	p.list("        ", commands)
}

// usable gives the stacks that a configuration can name, each once, or an
// example when none is recognised.
func usable(app App) (stacks []Stack, recognised bool) {
	seen := map[string]bool{}
	for _, stack := range app.Stacks {
		if seen[stack.Name] || !config.Accepts[config.Stack]("name", stack.Name) {
			continue
		}
		seen[stack.Name] = true
		if !config.Accepts[config.Stack]("path", stack.Path) {
			stack.Path = "."
		}
		stacks = append(stacks, stack)
	}
	if stacks != nil {
		return stacks, true
	}
	example := Stack{Name: "MyStack"}
	if folder := path.Clean(app.Folder); folder != "." && config.Accepts[config.Stack]("path", folder) {
		example.Path = folder
	}
	return []Stack{example}, false
}

// runnable gives the commands that a configuration can have.
func runnable(commands []string) []string {
	return slices.DeleteFunc(slices.Clone(commands), func(command string) bool {
		return !config.Accepts[config.Build]("commands", command)
	})
}

func names(stacks []Stack) []string {
	var names []string
	for _, stack := range stacks {
		names = append(names, quote(stack.Name))
	}
	return names
}

var plain = regexp.MustCompile(`^[A-Za-z./][A-Za-z0-9_./:=@&+ -]*[A-Za-z0-9_./]$|^[A-Z]$`)

// words are what some reader of YAML takes for something else than a text.
var words = []string{"true", "false", "yes", "no", "on", "off", "null", "y", "n"}

// quote writes a text as YAML, plain where that is safe.
func quote(text string) string {
	if plain.MatchString(text) && !strings.Contains(text, ": ") && !slices.Contains(words, strings.ToLower(text)) {
		return text
	}
	return strconv.Quote(text)
}
