package inventory_test

import (
	"testing"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/inventory"
)

// FuzzState holds that whatever deployments of other accounts left as the state of environments and
// as the order of runs, a deployment reads it or says why it cannot, and does not go on
// where a newer run did.
func FuzzState(f *testing.F) {
	f.Add(`{"commit":"0a","run":"run-2","account":"111111111111","region":"eu-west-1","approval":true}`, `{"runs":[{"run":"run-1","commit":"0a"},{"run":"run-2","commit":"0b"}]}`)
	f.Add(`null`, `[]`)
	f.Add(`{"stacks":[{"name":"a","account":"1","region":"r","role":"arn:aws:iam::2:role/x"}]}`, `{"runs":[null]}`)
	cfg := &config.Config{Environments: []config.Environment{{Name: "dev", Account: "111111111111", Region: "eu-west-1"}, {Name: "prod", Account: "222222222222", Region: "eu-west-1", After: []string{"dev"}}}}
	f.Fuzz(func(t *testing.T, state, order string) {
		b := buckettest.New(map[string]string{bucket.ReachedKey("dev"): state, bucket.ReachedKey("prod"): state, bucket.OrderKey(): order, bucket.StacksKey("dev"): state})
		store := inventory.Store{Bucket: b, Engine: deploy.Engine{Run: "run-1"}}
		read, err := inventory.ReadOrder(t.Context(), b)
		if err != nil {
			return
		}
		known, err := store.Reached(t.Context())
		if err != nil {
			return
		}
		if store.KeepReached(t.Context(), cfg, cfg.Environments[0], "0a", "") != nil {
			if now := b.Document(bucket.ReachedKey("dev")); now != state {
				t.Errorf("%q, %q: it is refused, and leaves %q", state, order, now)
			}
			return
		}
		reached, err := store.Reached(t.Context())
		if err != nil || reached["dev"].Commit != "0a" || reached["dev"].Run != "run-1" {
			t.Errorf("%q, %q: %v, %v", state, order, reached, err)
		}
		if other := known["dev"].Run; other != "" && read.After(other, "run-1") {
			t.Errorf("%q, %q: it goes over the newer run %q", state, order, other)
		}
	})
}
