// Package state stores the state between local runs in a folder: the simulated AWS,
// the pipeline's objects, logs, and values that a run passes to the next.
package state

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Folder is a state folder. One run uses it at a time, as the runs of one
// pipeline queue in a cluster.
type Folder struct {
	Dir  string
	lock *os.File
}

// User is the program that uses a folder.
type User string

// The users. A run ends by itself, and the next one waits for it; a simulator does not.
const (
	Run       User = "generator run"
	Simulator User = "generator simulate"
)

// Open creates the folder and waits until no other run uses it. It calls waiting
// once, with the name of the other user, before it waits. It does not wait for a simulator.
func Open(ctx context.Context, dir string, user User, waiting func(other string)) (Folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Folder{}, errs.Invalidf("creating the state folder: %w", err).WithHint("set --state to a writable folder")
	}
	// The folder may be in a repository, which must ignore it.
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*\n"), 0o644); err != nil {
		return Folder{}, errs.Invalidf("writing to the state folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return Folder{}, errs.Invalidf("opening the lock of the state folder: %w", err)
	}
	for busy := false; ; busy = true {
		locked, err := tryLock(lock)
		if locked {
			return Folder{dir, lock}, writeUser(lock, user)
		}
		if err != nil {
			lock.Close()
			return Folder{}, fmt.Errorf("locking the state folder %q: %w", dir, err)
		}
		other := readUser(dir)
		if strings.HasPrefix(other, string(Simulator)) {
			lock.Close()
			return Folder{}, errs.Invalidf("%s uses the state folder %s until it is stopped", other, dir).
				WithHint("stop it, or set --state to another folder")
		}
		if !busy {
			waiting(other)
		}
		select {
		case <-ctx.Done():
			lock.Close()
			return Folder{}, fmt.Errorf("waiting for the other run that uses %s: %w", dir, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// writeUser writes to the lock who holds it.
func writeUser(lock *os.File, user User) error {
	err := lock.Truncate(0)
	if err == nil {
		_, err = lock.WriteAt(fmt.Appendf(nil, "%s (process %d)\n", user, os.Getpid()), 0)
	}
	if err != nil {
		lock.Close()
		return errs.Writing(lock.Name(), err)
	}
	return nil
}

// maxUser is the longest name of a user that is read, in bytes.
const maxUser = 100

// readUser returns who holds the lock.
func readUser(dir string) string {
	file, err := os.Open(filepath.Join(dir, "lock"))
	if err != nil {
		return "another run"
	}
	defer file.Close()
	text, _ := io.ReadAll(io.LimitReader(file, maxUser)) // without a name it is another run, too
	return cmp.Or(strings.TrimSpace(string(text)), "another run")
}

// Close lets the next run use the folder.
func (f Folder) Close() {
	_ = f.lock.Truncate(0) // its name is of no use after it
	f.lock.Close()
}

// AWS is the folder of the simulated AWS.
func (f Folder) AWS() string { return filepath.Join(f.Dir, "aws") }

// Objects is the folder of the pipeline's objects.
func (f Folder) Objects() string { return filepath.Join(f.Dir, "objects") }

// Run is the folder of a run: its logs and the volumes of its steps.
func (f Folder) Run(name string) string { return filepath.Join(f.Dir, "runs", name) }

// NewRun returns the name of a run that starts now. No run in the folder has it, even if one
// started in the same second: each has a record of its own.
func (f Folder) NewRun(prefix string, now time.Time) string {
	first := prefix + now.UTC().Format("20060102-150405")
	name := first
	for n := 2; ; n++ {
		if _, err := os.Lstat(f.Run(name)); err != nil {
			return name
		}
		name = fmt.Sprintf("%s-%d", first, n)
	}
}

// Place returns the place of the last KeepPlace; the zero value if there is none.
func (f Folder) Place() (place plan.Place) {
	if !f.read(placeFile, &place) {
		return plan.Place{}
	}
	return place
}

// KeepPlace stores the place of the pipeline.
func (f Folder) KeepPlace(place plan.Place) error { return f.write(placeFile, place) }

const placeFile = "place.json"

// Keep stores a document in the folder.
func (f Folder) Keep(file string, document any) error { return f.write(file, document) }

// Kept reads a document of Keep. It reports whether there is one.
func (f Folder) Kept(file string, into any) bool { return f.read(file, into) }

// read reports whether the file exists and is complete.
func (f Folder) read(file string, into any) bool {
	text, err := os.ReadFile(filepath.Join(f.Dir, file))
	return err == nil && json.Unmarshal(text, into) == nil
}

func (f Folder) write(file string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", file, err)
	}
	if err := os.WriteFile(filepath.Join(f.Dir, file), text, 0o644); err != nil {
		return errs.Invalidf("writing to the state folder: %w", err)
	}
	return nil
}

// Short returns a path relative to the current folder if it is below it.
func Short(path string) string {
	here, err := os.Getwd()
	if err != nil || !filepath.IsAbs(path) {
		return path
	}
	short, err := filepath.Rel(here, path)
	if err != nil || strings.HasPrefix(short, "..") {
		return path
	}
	return short
}
