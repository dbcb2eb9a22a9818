package record_test

import (
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/record"
)

// FuzzRecords checks that whatever the bucket has as the record of a step, and whatever
// Argo reports as failures, the record of the run is valid JSON or an error.
func FuzzRecords(f *testing.F) {
	f.Add(`{"step":"build","status":"failed","error":"no space left"}`, `[{"displayName":"build","message":"OOMKilled"}]`)
	f.Add(`{"step":"pipeline","status":"succeeded","outputs":{"removed":"[]","handover":"{}"}}`, `"[]"`)
	f.Add(`[]`, `null`)
	frame := stage.Frame{Log: slog.New(slog.DiscardHandler), Workflow: "shop-1", Step: "record"}
	f.Fuzz(func(t *testing.T, step, failures string) {
		b := holding(map[string]string{bucket.StepRecordKey("shop-1", "build", 1): step, bucket.StepRecordKey("shop-1", "pipeline", 1): step})
		_, err := record.Run(t.Context(), b.deps(), frame, record.Input{Status: "Failed", Commit: "0123", Bucket: "artifacts", Failures: failures})
		if err == nil && !json.Valid([]byte(b.Document(bucket.RunRecordKey("shop-1")))) {
			t.Errorf("the record of the run is no JSON")
		}
	})
}
