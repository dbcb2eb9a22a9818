// Package console prints the progress of the verbs of package install as text, under
// the rules of voice of [stage.PrintError].
package console

import (
	"fmt"
	"io"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// Lines prints the progress of Apply and Delete, one line per change.
func Lines(w io.Writer) install.Reporter { return lines{w} }

// Sections prints the progress of Check and Bootstrap under a heading for each part.
func Sections(w io.Writer) install.Reporter { return sections{lines{w}} }

// Checks prints the checks of Doctor.
func Checks(w io.Writer, checks []kube.Check) {
	for _, check := range checks {
		lines{w}.Checked(check)
	}
}

// Plan prints what Bootstrap is about to install.
func Plan(w io.Writer, p install.Plan) {
	fmt.Fprintf(w, "\nPlanned changes\n  stack    %s in account %s, %s: bucket %s, roles, webhook secret\n", p.Stack, p.Place.Account, p.Place.Region, p.Place.Bucket)
	fmt.Fprintf(w, "  secret   %s in namespace %s\n", p.Secret.Name, p.Secret.Namespace)
	for _, difference := range p.Differences {
		fmt.Fprintf(w, "  %-8s %s\n", difference.Action, difference.Object)
	}
	if len(p.Differences) == 0 {
		fmt.Fprintf(w, "  objects  unchanged\n")
	}
	if p.Certificates {
		fmt.Fprintf(w, "  new certificates of the image builder: its builds that are running end\n")
	}
	approvals(w, p)
	host(w, p.Host)
	interrupted(w, p.Interrupted)
}

// Identities prints which identities Apply is about to install, change or remove.
func Identities(w io.Writer, p install.Plan) {
	if len(p.Differences) > 0 {
		identities(w, p)
	}
	host(w, p.Host)
	interrupted(w, p.Interrupted)
}

// host prints which host gets the token of the repository, if that is new.
func host(w io.Writer, h install.Host) {
	if h.Now == h.Before {
		return
	}
	fmt.Fprintf(w, "\nThe pipeline will send the token of the repository to %s", h.Now)
	if h.Before != "" {
		fmt.Fprintf(w, ", and no longer to %s", h.Before)
	}
	fmt.Fprintln(w)
}

// interrupted prints the runs in progress that may fail.
func interrupted(w io.Writer, i install.Interrupted) {
	if len(i.Runs) == 0 {
		return
	}
	fmt.Fprintf(w, "\nRuns in progress, which may fail if you continue before they have ended\n")
	for _, run := range i.Runs {
		fmt.Fprintf(w, "  %s\n", run)
	}
	fmt.Fprintf(w, "Permissions that change: %s\n", strings.Join(i.By, ", "))
}

func identities(w io.Writer, p install.Plan) {
	fmt.Fprintf(w, "\nIdentities of the pipeline, whose roles are in stack %s in account %s, %s\n", p.Stack, p.Place.Account, p.Place.Region)
	for _, difference := range p.Differences {
		fmt.Fprintf(w, "  %-8s %s\n%s", difference.Action, difference.Object, difference.Text)
	}
	approvals(w, p)
}

// approvals prints which roles the pipeline can assume after it is installed.
func approvals(w io.Writer, p install.Plan) {
	fmt.Fprintf(w, "\nBy continuing you approve that each commit of the branch is deployed with these roles\n")
	for _, a := range p.Approvals {
		roles := "roles of the CDK bootstrap " + strings.Join(a.Access.Qualifiers, ", ")
		if a.Access.RoleARN != "" {
			roles = a.Access.RoleARN
		}
		state := since(a.Before, a.Access.String())
		fmt.Fprintf(w, "  %-9s account %s (%s): %s\n", state, a.Access.Account, strings.Join(a.Environments, ", "), roles)
		for _, role := range a.Access.Commands {
			fmt.Fprintf(w, "  %9s hooks and tests: %s\n", "", role)
		}
		if state == changed {
			fmt.Fprintf(w, "  %9s before: %s\n", "", a.Before)
		}
	}
	approved(w, "build commands", p.Build.ARN, p.Build.Before)
	for _, s := range p.Secrets {
		approved(w, "secrets of "+s.Commands, s.Names, s.Before)
	}
	approved(w, "topics of notifications", p.Topics.ARNs, p.Topics.Before)
}

// approved prints what is approved, and what was before if it differs; "" is nothing.
func approved(w io.Writer, what, now, before string) {
	if now == "" {
		return
	}
	state := since(before, now)
	fmt.Fprintf(w, "  %-9s %s: %s\n", state, what, now)
	if state == changed {
		fmt.Fprintf(w, "  %9s before: %s\n", "", before)
	}
}

const changed = "changed"

// since says how an approval differs from the one before.
func since(before, now string) string {
	switch before {
	case "":
		return "new"
	case now:
		return "as before"
	}
	return changed
}

// Settings prints the settings of the webhook in GitHub.
func Settings(w io.Writer, cfg *config.Config, i install.Installed) {
	fmt.Fprintf(w, "\nThe pipeline is installed. Add the webhook in GitHub, once:\n\n"+
		"  1. open https://%s/%s/%s/settings/hooks/new\n"+
		"  2. enter\n"+
		"       Payload URL   %s\n"+
		"       Content type  application/json\n"+
		"       Secret        the value that this prints:\n"+
		"                     aws secretsmanager get-secret-value --region %s --secret-id %s --query SecretString --output text\n"+
		"       Events        Pushes and Pull requests\n\n"+
		"A push to %s then starts the first run.\n",
		cfg.GithubHost, cfg.GithubOwner, cfg.GithubRepo, i.PayloadURL, i.Region, i.Secret, cfg.GithubBranch)
	if i.ImageBuilder != nil {
		fmt.Fprintf(w, "\nImage assets are built where the configuration names the image builder:\n\n"+
			"  imageBuilder:\n    address: %s\n    tlsSecretName: %s\n\nThen run generator apply.\n", i.ImageBuilder.Address, i.ImageBuilder.Secret)
	}
}

// SecondWebhook prints how to add the webhook that signs with a new secret. GitHub refuses
// two webhooks of one URL; the webhook ignores what follows the question mark.
func SecondWebhook(w io.Writer, cfg *config.Config, i install.Installed) {
	fmt.Fprintf(w, "\nAdd a second webhook in GitHub, and keep the first one:\n\n"+
		"  1. open https://%s/%s/%s/settings/hooks/new\n"+
		"  2. enter the settings of the first one, except for\n"+
		"       Payload URL   that of the first one, with another text at its end: ?secret=2\n"+
		"       Secret        the value that this prints:\n"+
		"                     aws secretsmanager get-secret-value --region %s --secret-id %s --query SecretString --output text\n\n"+
		"GitHub shows a failed delivery (ping) of the second webhook until the pipeline uses its secret.\n\n",
		cfg.GithubHost, cfg.GithubOwner, cfg.GithubRepo, i.Region, i.Secret)
}

// OldWebhook prints what to do with the webhook that signs with the old secret.
func OldWebhook(w io.Writer, cfg *config.Config) error {
	_, err := fmt.Fprintf(w, "The webhook uses the new secret. Delete the old webhook in GitHub:\n  https://%s/%s/%s/settings/hooks\n",
		cfg.GithubHost, cfg.GithubOwner, cfg.GithubRepo)
	return err
}

// Differences prints the differences of objects, as kubectl diff does.
func Differences(w io.Writer, differences []kube.Difference) error {
	for _, difference := range differences {
		if _, err := w.Write(difference.Text); err != nil {
			return err
		}
	}
	return nil
}

// Question returns the question that Delete asks before it removes a pipeline from
// the cluster at an address.
func Question(r install.Removal, address string) string {
	question := "Remove the pipeline " + r.Pipeline + " from " + address
	if r.Stack != "" {
		question += ", and its stack " + r.Stack
	}
	if r.Bucket != "" {
		question += ", and the bucket " + r.Bucket + " with all artifacts and records"
	}
	return question + "?"
}

type lines struct{ w io.Writer }

func (l lines) Checked(c kube.Check) {
	switch {
	case c.Problem == "":
		fmt.Fprintf(l.w, "  ok       %s\n", c.What)
	case c.Failed():
		fmt.Fprintf(l.w, "  failed   %s: %s\n           %s\n", c.What, c.Problem, c.Fix)
	default:
		fmt.Fprintf(l.w, "  warning  %s: %s\n           %s\n", c.What, c.Problem, c.Fix)
	}
}

func (l lines) Started(part install.Part, _ string) {
	if part == install.Webhook {
		fmt.Fprintf(l.w, "waiting for the webhook and the Sensor\n")
	}
}

func (l lines) Resource(status, logicalID, reason string) {
	fmt.Fprintln(l.w, strings.TrimRight(fmt.Sprintf("  %-16s %s %s", strings.ToLower(status), logicalID, reason), " "))
}

func (l lines) Changed(_ install.Part, c manifest.Change) {
	fmt.Fprintf(l.w, "%s %s\n", c.Object, c.Action)
}

func (l lines) Ready() {
	fmt.Fprintf(l.w, "the webhook listens and the Sensor has subscribed: the next push starts a run\n")
}

func (l lines) Note(text string) { fmt.Fprintf(l.w, "note: %s\n", text) }

type sections struct{ lines }

func (s sections) Started(part install.Part, subject string) {
	switch part {
	case install.Stack:
		fmt.Fprintf(s.w, "\nStack %s\n", subject)
	case install.Secret:
		fmt.Fprintf(s.w, "\nSecret %s\n", subject)
	case install.Bucket:
		fmt.Fprintf(s.w, "\nPolicy of bucket %s\n", subject)
	case install.Objects:
		fmt.Fprintf(s.w, "\nObjects\n")
	case install.Address:
		fmt.Fprintf(s.w, "\nWaiting for the webhook's address\n")
	case install.Certificates:
		fmt.Fprintf(s.w, "\nCertificates of the image builder\n")
	case install.Builder:
		fmt.Fprintf(s.w, "\nWaiting for the image builder in namespace %s\n", subject)
	default:
		fmt.Fprintf(s.w, "\n")
		s.lines.Started(part, subject)
	}
}

func (s sections) Changed(part install.Part, c manifest.Change) {
	if part == install.Objects || part == install.Certificates {
		fmt.Fprintf(s.w, "  %-9s %s\n", c.Action, c.Object)
		return
	}
	fmt.Fprintf(s.w, "  %s\n", c.Action)
}
