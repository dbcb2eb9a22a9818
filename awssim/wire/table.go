package wire

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"
)

// Table is what a regional service keeps: values by place, then by name. Its own
// methods lock Mu, except for Set; others lock it around what they do with Places.
type Table[T any] struct {
	Mu     sync.RWMutex
	Places map[string]map[string]T
}

// Set adds or replaces a value. The caller holds Mu.
func (t *Table[T]) Set(place, name string, value T) {
	if t.Places == nil {
		t.Places = map[string]map[string]T{}
	}
	if t.Places[place] == nil {
		t.Places[place] = map[string]T{}
	}
	t.Places[place][name] = value
}

// All returns the values of a place, sorted by name.
func (t *Table[T]) All(place string) []T {
	t.Mu.RLock()
	defer t.Mu.RUnlock()
	var all []T
	for _, name := range slices.Sorted(maps.Keys(t.Places[place])) {
		all = append(all, t.Places[place][name])
	}
	return all
}

// Snapshot returns the whole table as JSON.
func (t *Table[T]) Snapshot() ([]byte, error) {
	t.Mu.RLock()
	defer t.Mu.RUnlock()
	return json.Marshal(t.Places)
}

// Restore replaces the table by a snapshot.
func (t *Table[T]) Restore(snapshot []byte) error {
	places := map[string]map[string]T{}
	if err := json.Unmarshal(snapshot, &places); err != nil {
		return err
	}
	t.Mu.Lock()
	defer t.Mu.Unlock()
	t.Places = places
	return nil
}
