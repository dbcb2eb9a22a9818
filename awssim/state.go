package awssim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// stateVersion is the format of state.json; another one is refused.
const stateVersion = 1

// saveInterval is how often a changed state is written while the server runs.
const saveInterval = time.Second

// part is one piece of the server that has a state.
type part struct {
	name  string
	state interface {
		Snapshot() ([]byte, error)
		Restore([]byte) error
	}
}

// parts are listed in the order they are restored in: the stacks last, whose
// operations go on and need the rest.
func (s *Server) parts() []part {
	return []part{
		{"identity", s.identity},
		{"objects", s.objects},
		{"parameters", s.parameters},
		{"secrets", s.secrets},
		{"metrics", s.metrics},
		{"alarms", s.alarms},
		{"topics", s.topics},
		{"keys", s.keys},
		{"logs", s.logs},
		{"tasks", s.tasks},
		{"trail", &s.trail},
		{"registry", s.registry},
		{"stacks", s.stacks},
	}
}

type savedState struct {
	Simulator string // what this file is, for people
	Version   int
	Parts     map[string]json.RawMessage
}

// Save writes the state to state.json, atomically. A server in a temporary
// directory has nothing to save.
func (s *Server) Save() error {
	if s.temporary {
		return nil
	}
	s.saving.Lock()
	defer s.saving.Unlock()
	state := savedState{Simulator: "state of the AphexPipeline AWS simulator", Version: stateVersion, Parts: map[string]json.RawMessage{}}
	for _, part := range s.parts() {
		snapshot, err := part.state.Snapshot()
		if err != nil {
			return fmt.Errorf("saving the state of the AWS simulator (%s): %w", part.name, err)
		}
		state.Parts[part.name] = snapshot
	}
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("saving the state of the AWS simulator: %w", err)
	}
	return replaceFile(s.stateFile(), text)
}

func (s *Server) stateFile() string { return filepath.Join(s.dir, "state.json") }

// replaceFile writes a file so that a reader sees the old or the new one whole.
func replaceFile(name string, content []byte) error {
	temporary := name + ".new"
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return fmt.Errorf("writing %q: %w", temporary, err)
	}
	if err := os.Rename(temporary, name); err != nil {
		return fmt.Errorf("replacing %q: %w", name, err)
	}
	return nil
}

// load restores what an earlier server saved, if it did.
func (s *Server) load() error {
	text, err := os.ReadFile(s.stateFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var state savedState
	if err := json.Unmarshal(text, &state); err != nil {
		return fmt.Errorf("reading %s: %w; remove the directory to start anew", s.stateFile(), err)
	}
	if state.Version != stateVersion {
		return fmt.Errorf("%s has the format %d, this program writes %d; remove the directory to start anew", s.stateFile(), state.Version, stateVersion)
	}
	for _, part := range s.parts() {
		saved, has := state.Parts[part.name]
		if !has { // an earlier version of this program wrote it
			continue
		}
		if err := part.state.Restore(saved); err != nil {
			return fmt.Errorf("restoring %s from %s: %w", part.name, s.stateFile(), err)
		}
	}
	return nil
}

// keepSaving writes a changed state about once a second, so that a run that is
// killed loses little.
func (s *Server) keepSaving() {
	ctx, cancel := context.WithCancel(context.Background())
	s.stopSave = cancel
	s.saved.Go(func() {
		ticker := time.NewTicker(saveInterval)
		defer ticker.Stop()
		var known int64
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				known = s.saveIfChanged(known)
			}
		}
	})
}

func (s *Server) saveIfChanged(known int64) int64 {
	changes := s.ledger.changes.Load()
	if changes == known {
		return known
	}
	if err := s.Save(); err != nil {
		s.log.Warn("the simulator's state was not saved", "error", err)
	}
	return changes
}
