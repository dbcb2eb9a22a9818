package planned_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
)

// FuzzPlan holds that no file makes the reader of plans panic, and that a plan that it
// returns is of the environment and commit that were asked for.
func FuzzPlan(f *testing.F) {
	f.Add([]byte(`{"version":1,"environment":"dev","commit":"0a","stacks":[{"stack":"A","name":"a","region":"eu-west-1"}]}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`null`))
	file := filepath.Join(f.TempDir(), "plan.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		plan, err := planned.Read(file, "dev", "0a")
		if err == nil && (plan.Environment != "dev" || plan.Commit != "0a" || plan.Version != planned.Version) {
			t.Errorf("%q is accepted", data)
		}
	})
}
