package gate_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
)

// FuzzSaid holds that whatever the bucket has as a freeze and as overrides, a gate that is
// closed is passed by an override that names it, or not at all.
func FuzzSaid(f *testing.F) {
	f.Add(`{"from":"2026-01-01T00:00:00Z","why":"the year ends","by":"ada"}`, `[{"gates":["windows"],"why":"a fix","by":"bob","at":"2099-01-01T00:00:00Z"}]`)
	f.Add(`{"from":"2026-01-01T00:00:00Z","until":"2026-02-01T00:00:00+02:00","why":"x","lifted":{"by":"ada"}}`, `null`)
	f.Add(`null`, `[{"gates":["freezes","approval"],"at":"9999-12-31T23:59:59Z"},null]`)
	noon := time.Date(2026, 1, 3, 12, 0, 0, 0, time.UTC)
	environment := config.Environment{Name: "prod", Freezes: []config.Freeze{{From: "2026-01-01", Until: "2026-01-05", Why: "holidays", Timezone: "UTC"}}}
	f.Fuzz(func(t *testing.T, freeze, overrides string) {
		stored := buckettest.New(map[string]string{bucket.FreezeKey("prod"): freeze, bucket.OverridesKey("shop-1", "prod"): overrides})
		known, err := gate.Store{Bucket: stored}.Known(t.Context(), "shop-1", "prod")
		if err != nil {
			return
		}
		known.Now, known.Environment = noon, environment
		outcomes := gate.Evaluate(known)
		named := slices.ContainsFunc(known.Overrides, func(o gate.Override) bool { return slices.Contains(o.Gates, gate.Freezes) })
		if outcomes.Pass() != named || (outcomes.Held("shop-1", "prod") == nil) != named || !named && outcomes.Reason() == "" {
			t.Errorf("%q with %q: passes: %t, %q", freeze, overrides, !named, outcomes.Reason())
		}
	})
}
