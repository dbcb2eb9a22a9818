package cdkapp_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/aphex/aphex-pipeline/internal/config/cdkapp"
)

// FuzzJSON holds that every cdk.json is read or an error, and that what is read can be
// written.
func FuzzJSON(f *testing.F) {
	f.Add([]byte("\xef\xbb\xbf" + `{"app":["node","app.js"],"context":{"a":1e400,"b":[{}]}}`))
	f.Add([]byte(`{"app":"x"} {}`))
	f.Add([]byte("{\x00"))
	dir := f.TempDir()
	file := filepath.Join(dir, "cdk.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var settings struct {
			App     cdkapp.Command
			Context map[string]any
		}
		if cdkapp.ReadJSON(dir, file, &settings) != nil {
			return
		}
		if _, err := json.Marshal(settings); err != nil {
			t.Errorf("%q: %v", data, err)
		}
	})
}
