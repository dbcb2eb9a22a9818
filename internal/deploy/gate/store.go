package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Freeze is a freeze of an environment that a person made. It is in the bucket, where no
// identity of the pipeline may write it.
type Freeze struct {
	From   time.Time `json:"from"`
	Until  time.Time `json:"until,omitzero"` // zero: until a person ends it
	Why    string    `json:"why"`
	By     string    `json:"by"`
	Lifted *Lifted   `json:"lifted,omitempty"`
}

// Lifted says who ended a freeze.
type Lifted struct {
	At  time.Time `json:"at"`
	Why string    `json:"why,omitempty"`
	By  string    `json:"by"`
}

// holds reports whether the freeze has a time.
func (f Freeze) holds(at time.Time) bool {
	return f.Why != "" && !at.Before(f.From) && (f.Until.IsZero() || at.Before(f.Until))
}

// String says how long it lasts and why.
func (f Freeze) String() string {
	text := "until a person ends that"
	if !f.Until.IsZero() {
		text = "until " + shown(f.Until, time.UTC)
	}
	return text + ": " + f.Why + by(f)
}

// Holds reports whether the freeze has a time, or begins later.
func (f Freeze) Holds(at time.Time) bool {
	return f.Why != "" && (f.Until.IsZero() || at.Before(f.Until))
}

// Override lets a run pass gates of an environment that are closed, or every run that does
// nothing but what a person has seen in the plan of a run that was held.
type Override struct {
	Gates    []Name    `json:"gates"`
	Why      string    `json:"why"`
	By       string    `json:"by"`
	Attested bool      `json:"attested"` // whether the API server compared the person with the name
	At       time.Time `json:"at"`
	Run      string    `json:"run,omitempty"`    // that was held
	Stacks   []string  `json:"stacks,omitempty"` // digests of what it would have done with stacks; none is an override of one run
}

// Parse reads names of gates.
func Parse(names []string) (gates []Name, err error) {
	for _, name := range names {
		if !slices.Contains(Names(), Name(name)) {
			return nil, errs.Invalidf("%q is no gate that can be overridden", name).WithHint("the gates are %s", joined(Names()))
		}
		gates = append(gates, Name(name))
	}
	if len(gates) == 0 {
		return nil, errs.Invalidf("no gate is named").WithHint("the gates are %s", joined(Names()))
	}
	return gates, nil
}

func joined(names []Name) string {
	var texts []string
	for _, name := range names {
		texts = append(texts, string(name))
	}
	return strings.Join(texts, ", ")
}

// runName matches the name of a run, which is one of Kubernetes.
var runName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// IsRun reports whether a text is the name of a run.
func IsRun(text string) bool { return runName.MatchString(text) }

// overrideLasts is how long an override holds: as long as a run lasts. Argo can run a failed run
// again under its name much later, when nobody means it any more.
const overrideLasts = 7 * 24 * time.Hour

// holds reports whether the override has not ended.
func (o Override) holds() bool { return time.Since(o.At) < overrideLasts }

// same reports whether two overrides say the same.
func (o Override) same(other Override) bool {
	return slices.Equal(o.Gates, other.Gates) && o.Why == other.Why && o.By == other.By && o.Attested == other.Attested && o.Run == other.Run && slices.Equal(o.Stacks, other.Stacks)
}

// Store has what people said of gates.
type Store struct{ Bucket bucket.Bucket }

// Known reads what people said of the gates of an environment for a run. A freeze that a
// person ended is none, and neither is an override after a week.
func (s Store) Known(ctx context.Context, run, environment string) (known Known, err error) {
	var asked *Asked
	if run != "" {
		if asked, err = s.Asked(ctx, run); err != nil {
			return known, err
		}
	}
	return s.KnownOf(ctx, asked, run, environment)
}

// KnownOf is Known of a run whose gates look at what it asked.
func (s Store) KnownOf(ctx context.Context, asked *Asked, run, environment string) (known Known, err error) {
	if known, err = s.known(ctx, asked, run, environment); err != nil {
		return known, err
	}
	if known.Freeze, err = s.Freeze(ctx, environment); err != nil || run == "" {
		return known, err
	}
	known.Overrides, err = s.overrides(ctx, run, environment)
	return known, err
}

// known reads what people decided about a run.
func (s Store) known(ctx context.Context, asked *Asked, run, environment string) (known Known, err error) {
	known.Wall, known.Run, known.Environment.Name, known.Requires = time.Now(), run, environment, asked.Requires(environment)
	if known.Requires {
		known.Decisions, err = s.Decisions(ctx, run, environment)
	}
	return known, err
}

func (s Store) overrides(ctx context.Context, run, environment string) ([]Override, error) {
	found, err := read[[]Override](ctx, s.Bucket, bucket.OverridesKey(run, environment))
	return slices.DeleteFunc(found, func(o Override) bool { return !o.holds() }), err
}

// planPrefix and a commit take the place of a run in the key of the overrides of plans: a run
// has 32 digits of its commit behind the prefix of the pipeline.
const planPrefix = "plan-"

// OfPlans reads the overrides of plans of a commit in an environment, but none after a week.
func (s Store) OfPlans(ctx context.Context, commit, environment string) ([]Override, error) {
	return s.overrides(ctx, planPrefix+commit, environment)
}

// AddOverrideOfPlan lets runs of a commit do in an environment what a held run would have done.
func (s Store) AddOverrideOfPlan(ctx context.Context, commit, environment string, o Override) error {
	return s.AddOverride(ctx, planPrefix+commit, environment, o)
}

// Freeze reads the freeze of an environment; the zero value is none. One that somebody wrote
// without a reason is an error: it may be meant to hold.
func (s Store) Freeze(ctx context.Context, environment string) (Freeze, error) {
	f, err := read[*Freeze](ctx, s.Bucket, bucket.FreezeKey(environment))
	switch {
	case err != nil || f == nil || f.Lifted != nil:
		return Freeze{}, err
	case f.Why == "":
		return Freeze{}, errs.Failedf("the freeze %q has no reason", bucket.FreezeKey(environment)).WithHint("make it again: generator freeze %s --why …", environment)
	}
	return *f, nil
}

// MakeFreeze stores the freeze of an environment, in place of the one before, which it returns.
func (s Store) MakeFreeze(ctx context.Context, environment string, f Freeze) (before Freeze, err error) {
	err = s.change(ctx, environment, func(stored *Freeze) error {
		before = *stored
		if stored.Lifted != nil {
			before = Freeze{}
		}
		*stored = f
		return nil
	})
	return before, err
}

// Lift ends the freeze of an environment, which it returns.
func (s Store) Lift(ctx context.Context, environment string, by Lifted) (ended Freeze, err error) {
	err = s.change(ctx, environment, func(stored *Freeze) error {
		if stored.Lifted != nil || !stored.Holds(by.At) {
			return errs.Failedf("environment %s is not frozen", environment).
				WithHint("freezes of the configuration end when a commit removes them; generator override lets one run pass")
		}
		ended, stored.Lifted = *stored, &by
		return nil
	})
	return ended, err
}

func (s Store) change(ctx context.Context, environment string, change func(*Freeze) error) error {
	err := s.Bucket.Update(ctx, bucket.FreezeKey(environment), func(before []byte) ([]byte, error) {
		var stored Freeze
		if before != nil {
			if err := json.Unmarshal(before, &stored); err != nil {
				return nil, errs.Failedf("reading the freeze that is there: %w", err)
			}
		}
		if err := change(&stored); err != nil {
			return nil, err
		}
		return json.Marshal(stored)
	})
	if err != nil {
		return fmt.Errorf("storing the freeze of environment %s: %w", environment, err)
	}
	return nil
}

// maxOverrides is how many overrides an environment has for a run.
const maxOverrides = 20

// AddOverride lets a run pass gates of an environment.
func (s Store) AddOverride(ctx context.Context, run, environment string, o Override) error {
	ended := func(o Override) bool { return !o.holds() }
	err := add(ctx, s.Bucket, bucket.OverridesKey(run, environment), o, maxOverrides, o.same, ended)
	if err != nil {
		return fmt.Errorf("storing the override of environment %s for run %s: %w", environment, run, err)
	}
	return nil
}

// Freezes returns the freezes that people made and that have not ended, by environment.
func (s Store) Freezes(ctx context.Context, now time.Time) (map[string]Freeze, error) {
	keys, err := s.Bucket.List(ctx, bucket.FreezesPrefix())
	if err != nil {
		return nil, fmt.Errorf("listing freezes: %w", err)
	}
	found := map[string]Freeze{}
	for _, key := range keys {
		environment, is := bucket.FrozenEnvironment(key)
		if !is {
			continue
		}
		f, err := s.Freeze(ctx, environment)
		if err != nil {
			return nil, err
		}
		if f.Holds(now) {
			found[environment] = f
		}
	}
	return found, nil
}

// add adds one to a list that is stored, without those that have ended. One that is there is of
// an earlier attempt.
func add[T any](ctx context.Context, b bucket.Bucket, key string, one T, most int, same, ended func(T) bool) error {
	return b.Update(ctx, key, func(before []byte) ([]byte, error) {
		var stored []T
		if before != nil {
			if err := json.Unmarshal(before, &stored); err != nil {
				return nil, errs.Failedf("reading %q: %w", key, err)
			}
		}
		stored = slices.DeleteFunc(stored, ended)
		if slices.ContainsFunc(stored, same) {
			return nil, nil
		}
		if len(stored) >= most {
			return nil, errs.Failedf("%q has %d entries already", key, most)
		}
		return json.Marshal(append(stored, one))
	})
}

func read[T any](ctx context.Context, b bucket.Bucket, key string) (value T, err error) {
	data, err := b.Get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return value, nil
	}
	if err != nil {
		return value, fmt.Errorf("reading %q: %w", key, err)
	}
	if err := json.Unmarshal(data, &value); err != nil {
		return value, errs.Failedf("reading %q: %w", key, err)
	}
	return value, nil
}
