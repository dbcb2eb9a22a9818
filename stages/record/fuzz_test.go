package record_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/report/page"
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
		checkPage(t, b.Document(bucket.RunPageKey("shop-1")), err)
	})
}

// FuzzIndex checks that whatever the bucket has as the index of runs, and as the record of one
// that is not in it yet, the page of the pipeline is of a bounded size, or there is an error.
func FuzzIndex(f *testing.F) {
	f.Add(`{"pipeline":"shop","environments":[{"environment":"dev","commit":"0a","run":"shop-1","since":"2026-01-01T00:00:00Z"}],"runs":[{"run":"shop-1","status":"Succeeded"}]}`, `{}`)
	f.Add(`null`, `{"workflow":"shop-2","status":"Failed","steps":[{"step":"deploy-dev","outputs":{"summary":"{\"stacks\":[{\"stack\":\"A\"}]}"}}]}`)
	f.Add(`{"runs":[null,{"durations":{"build":-1}}],"environments":null}`, `[]`)
	f.Fuzz(func(t *testing.T, index, document string) {
		b := holding(map[string]string{bucket.IndexKey(): index, bucket.RunRecordKey("shop-2"): document})
		err := record.KeepIndexPage(t.Context(), b)
		checkPage(t, b.Document(bucket.IndexPageKey()), err)
	})
}

// checkPage holds that there is a page of a bounded size, unless there was an error.
func checkPage(t *testing.T, text string, err error) {
	t.Helper()
	if err == nil && (len(text) > page.MaxBytes || !strings.HasSuffix(text, "</html>\n")) {
		t.Errorf("a page of %d bytes ends with %q", len(text), text[max(len(text)-20, 0):])
	}
}
