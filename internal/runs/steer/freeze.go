package steer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// Desk is where a person says something of the gates of environments. The fields of the verbs
// are their flags.
type Desk struct {
	Bucket       bucket.Bucket
	Environments []string // of the configuration
	By           string   // who the person is
}

func (d Desk) check(environment string) error {
	if !slices.Contains(d.Environments, environment) {
		return Source{Environments: d.Environments}.unknown(environment)
	}
	return nil
}

// MaxReason is the longest reason, in bytes.
const MaxReason = 300

// CheckReason refuses a reason that is not a short line of text. Flag names it.
func CheckReason(flag, text string) error {
	if len(text) > MaxReason || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return errs.Invalidf("%s must be a line of at most %d bytes", flag, MaxReason)
	}
	return nil
}

// Frozen is what the verbs of freezes print.
type Frozen struct {
	Environment string `json:"environment"`
	gate.Freeze
}

// String says it for a person.
func (f Frozen) String() string {
	if f.Lifted != nil {
		return fmt.Sprintf("%s is not frozen any more: %s (%s)", f.Environment, f.Why, f.By)
	}
	return fmt.Sprintf("%s is frozen %s", f.Environment, f.Freeze)
}

// FreezeVerb freezes an environment.
type FreezeVerb struct {
	Flags
	Environment string `arg:"" help:"Environment to freeze."`
	From        string `help:"Start (default: now): a time such as 2026-12-18T18:00 in the time zone of this machine, or with an offset, such as 2026-12-18T18:00:00+01:00." placeholder:"TIME"`
	Until       string `help:"End (default: when it is ended by generator unfreeze)." placeholder:"TIME"`
	Why         string `short:"m" aliases:"reason" help:"Reason, shown to people whose deployments wait." required:"" placeholder:"TEXT"`
}

// Help returns the details and examples of the verb.
func (FreezeVerb) Help() string {
	return `No new deployment starts in the environment, whatever its commit; one in progress is not interrupted. A run whose
environment has windows or freezes in the configuration waits, at most six days; any other ends with the status Held
and can be retried later. A new freeze of an environment replaces the previous one.

The freeze is an object in the artifact bucket, which no identity of the pipeline may write: you need permission to
write metadata/freezes/*.

Examples:

  generator freeze prod --until 2027-01-04 --why "the year ends"
  generator freeze prod --why "checkout fails, ticket 4711"
  generator freeze dev --why demo --state .aphex          # of local runs`
}

// Validate refuses what is no time and no reason.
func (v FreezeVerb) Validate() error {
	_, _, err := v.times(time.Now())
	if err != nil {
		return err
	}
	if strings.TrimSpace(v.Why) == "" {
		return errs.Invalidf("--why is empty")
	}
	return CheckReason("--why", v.Why)
}

func (v FreezeVerb) times(now time.Time) (from, until time.Time, err error) {
	from = now
	if v.From != "" {
		if from, err = moment("--from", v.From); err != nil {
			return from, until, err
		}
	}
	if v.Until == "" {
		return from, until, nil
	}
	if until, err = moment("--until", v.Until); err == nil && !until.After(from) {
		err = errs.Invalidf("--until %s is not after the beginning of the freeze, %s", v.Until, from.Format(time.RFC3339))
	}
	return from, until, err
}

// moment reads a time with its zone, or of the zone of this machine.
func moment(flag, text string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	at, err := config.Moment(text, time.Local)
	if err != nil {
		return at, errs.Invalidf("%s %q is no time", flag, text).WithHint("write a date such as 2026-12-18, or a date and a time such as 2026-12-18T18:00")
	}
	return at, nil
}

// Run stores the freeze and prints it.
func (v FreezeVerb) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	desk, closed, err := v.desk(ctx)
	if err != nil {
		return err
	}
	defer closed()
	frozen, before, err := v.Do(ctx, desk)
	if err != nil {
		return err
	}
	if before.Why != "" {
		fmt.Fprintf(std.Err, "it replaces the freeze %s\n", before)
	}
	return v.print(std, raw, frozen, frozen.String())
}

// Do stores the freeze.
func (v FreezeVerb) Do(ctx context.Context, d Desk) (frozen Frozen, before gate.Freeze, err error) {
	if err := d.check(v.Environment); err != nil {
		return frozen, before, err
	}
	from, until, err := v.times(time.Now().Truncate(time.Second))
	if err != nil {
		return frozen, before, err
	}
	frozen = Frozen{v.Environment, gate.Freeze{From: from.UTC(), Why: v.Why, By: d.By}}
	if !until.IsZero() {
		frozen.Until = until.UTC()
	}
	before, err = gate.Store{Bucket: d.Bucket}.MakeFreeze(ctx, v.Environment, frozen.Freeze)
	return frozen, before, err
}

// UnfreezeVerb ends the freeze of an environment.
type UnfreezeVerb struct {
	Flags
	Environment string `arg:"" help:"Environment whose freeze to end."`
	Why         string `short:"m" aliases:"reason" help:"Reason, kept with the freeze." placeholder:"TEXT"`
}

// Help returns the details and examples of the verb.
func (UnfreezeVerb) Help() string {
	return `Ends the freeze that generator freeze made; waiting runs continue. A freeze in the configuration ends when a commit
removes it; generator override lets a single run pass.

Example:

  generator unfreeze prod --why "the fix is in stage"`
}

// Validate refuses what is no reason.
func (v UnfreezeVerb) Validate() error { return CheckReason("--why", v.Why) }

// Run ends the freeze and prints it.
func (v UnfreezeVerb) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	desk, closed, err := v.desk(ctx)
	if err != nil {
		return err
	}
	defer closed()
	ended, err := v.Do(ctx, desk)
	if err != nil {
		return err
	}
	return v.print(std, raw, ended, ended.String())
}

// Do stores the end of the freeze.
func (v UnfreezeVerb) Do(ctx context.Context, d Desk) (Frozen, error) {
	if err := d.check(v.Environment); err != nil {
		return Frozen{}, err
	}
	lifted := gate.Lifted{At: time.Now().UTC().Truncate(time.Second), Why: v.Why, By: d.By}
	ended, err := gate.Store{Bucket: d.Bucket}.Lift(ctx, v.Environment, lifted)
	ended.Lifted = &lifted
	return Frozen{v.Environment, ended}, err
}
