package verify

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/aphex/aphex-pipeline/internal/attest"
	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
	"github.com/aphex/aphex-pipeline/internal/runs/history"
)

// Verb verifies a run. Its fields are the flags.
type Verb struct {
	history.Flags
	Of      string `arg:"" name:"run" help:"Run: its name, or the beginning of its name or commit."`
	KeyFile string `name:"key" help:"File with the public key, PEM." type:"path" placeholder:"FILE" xor:"key"`
	KMS     bool   `name:"kms" help:"Use the public key of signing in the configuration, with your credentials." xor:"key"`
}

// Help returns the details and examples of the verb.
func (Verb) Help() string {
	return `Verifies the signed release record of a run and the provenance of its artifact, and compares both with what the
artifact bucket has: the record of the run, the artifact and its configuration. Each line says what is proven,
what is not proven, and what was refused.

It fails if anything was refused, and if the run is not signed.

Examples:

  generator verify 3f2a9c1 --kms
  generator verify 3f2a9c1 --key key.pub --json | jq -r '.checks[] | select(.state == "refused") | .text'
  generator verify aphex-pipeline-20260101-120000 --state .aphex --key key.pub`
}

// Run opens the records, verifies and prints.
func (v Verb) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	source, err := v.Open(ctx)
	if err != nil {
		return err
	}
	run, more, err := source.Find(ctx, v.Of)
	if err != nil {
		return err
	}
	for _, other := range more {
		fmt.Fprintf(std.Err, "an earlier run: %s\n", other)
	}
	report, err := Run(ctx, source.Bucket, run, v.key)
	if err != nil {
		return err
	}
	if err := v.print(std, raw, report); err != nil {
		return errs.Writing("standard output", err)
	}
	switch report.State {
	case Refused:
		return errs.Failedf("run %s was refused: %s", run, refusals(report)).WithHint("use nothing of it, and find out who changed it")
	case Unproven:
		return errs.Failedf("run %s is not signed: nothing of it is proven", run).WithHint("runs are signed with signing in the configuration, or generator run --signing-key")
	}
	return nil
}

func (v Verb) key(ctx context.Context) (attest.Key, error) {
	switch {
	case v.KeyFile != "":
		return attest.ReadKey(v.KeyFile)
	case !v.KMS:
		return attest.Key{}, errs.Invalidf("the run is signed: a key is needed to verify it").WithHint("pass --kms, or --key FILE")
	}
	cfg, err := v.Load()
	if err != nil {
		return attest.Key{}, err
	}
	if cfg.Signing == nil {
		return attest.Key{}, errs.Invalidf("--kms: the configuration has no signing").WithHint("pass --key FILE")
	}
	return clients.VerifyingKey(ctx, cfg.Signing.KMSKeyARN)
}

func (v Verb) print(std stdio.Streams, raw stdio.Raw, report Report) error {
	if v.JSON {
		return raw.PrintJSON(report)
	}
	table := tabwriter.NewWriter(std.Out, 0, 0, 2, ' ', 0)
	for _, c := range report.Checks {
		fmt.Fprintf(table, "%s\t%s\t%s\n", c.State, c.Check, errs.OneLine(c.Text))
	}
	return table.Flush()
}

func refusals(report Report) string {
	var names []string
	for _, c := range report.Checks {
		if c.State == Refused && (len(names) == 0 || names[len(names)-1] != c.Check) {
			names = append(names, c.Check)
		}
	}
	return strings.Join(names, ", ")
}
