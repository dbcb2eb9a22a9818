package iam

import "encoding/json"

// Snapshot returns the whole directory as JSON, secrets included.
func (d *Directory) Snapshot() ([]byte, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return json.Marshal(d.state)
}

// Restore replaces the directory by a snapshot.
func (d *Directory) Restore(snapshot []byte) error {
	var restored state
	if err := json.Unmarshal(snapshot, &restored); err != nil {
		return err
	}
	if restored.Accounts == nil {
		restored.Accounts = map[string]*account{}
	}
	if restored.Sessions == nil {
		restored.Sessions = map[string]*session{}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state = restored
	return nil
}
