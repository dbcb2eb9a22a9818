package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// state is the folder for what outlives a run. One run uses it at a time, as
// the runs of one pipeline queue in a cluster.
type state struct {
	dir  string
	lock *os.File
}

// openState makes the folder and waits until no other run uses it.
func openState(ctx context.Context, dir string, std streams) (state, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return state{}, fault.Invalidf("making the state folder: %w", err).WithHint("give --state a folder that can be written")
	}
	// Nothing in here belongs to the repository that the folder may lie in.
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*\n"), 0o644); err != nil {
		return state{}, fault.Invalidf("writing to the state folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return state{}, fault.Invalidf("opening the lock of the state folder: %w", err)
	}
	s := state{dir, lock}
	if err := s.wait(ctx, std); err != nil {
		lock.Close()
		return state{}, err
	}
	return s, nil
}

func (s state) wait(ctx context.Context, std streams) error {
	for told := false; ; told = true {
		err := syscall.Flock(int(s.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("locking the state folder %q: %w", s.dir, err)
		}
		if !told {
			fmt.Fprintf(std.err, "another run uses %s; waiting for its end\n", s.dir)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the end of the other run that uses %s: %w", s.dir, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (s state) close() { s.lock.Close() }

func (s state) aws() string            { return filepath.Join(s.dir, "aws") }
func (s state) objects() string        { return filepath.Join(s.dir, "objects") }
func (s state) run(name string) string { return filepath.Join(s.dir, "runs", name) }

// place gives where the pipeline lived when keepPlace was last called; the
// zero value where that is not known.
func (s state) place() (place plan.Place) {
	text, err := os.ReadFile(s.placeFile())
	if err != nil || json.Unmarshal(text, &place) != nil {
		return plan.Place{}
	}
	return place
}

// keepPlace remembers where the pipeline lives.
func (s state) keepPlace(place plan.Place) error {
	text, err := json.Marshal(place)
	if err != nil {
		return fmt.Errorf("writing where the pipeline lives: %w", err)
	}
	if err := os.WriteFile(s.placeFile(), text, 0o644); err != nil {
		return fault.Invalidf("writing to the state folder: %w", err)
	}
	return nil
}

func (s state) placeFile() string { return filepath.Join(s.dir, "place.json") }

// held is what a run found when it handed over: which environments wait for an
// approval when its commit is run again, whatever the commit says.
type held struct {
	Commit string `json:"commit"`
	Gates  string `json:"gates"` // separated by spaces
}

// gates are those of a commit that was handed over by the last run that did; ""
// where it is another commit, or none.
func (s state) gates(commit string) string {
	data, err := os.ReadFile(s.heldFile())
	if err != nil {
		return ""
	}
	var h held
	if json.Unmarshal(data, &h) != nil || h.Commit != commit {
		return ""
	}
	return h.Gates
}

func (s state) keepGates(h held) error {
	data, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encoding the gates of a commit: %w", err)
	}
	if err := os.WriteFile(s.heldFile(), data, 0o644); err != nil {
		return fault.Invalidf("writing to the state folder: %w", err)
	}
	return nil
}

func (s state) heldFile() string { return filepath.Join(s.dir, "held.json") }
