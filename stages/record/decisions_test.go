package record_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/record"
)

func TestARecordSaysWhoDecidedAboutItsDeploymentsOnce(t *testing.T) {
	at := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	decided := func(by string, reject, attested bool) gate.Outcomes {
		return gate.Outcomes{{Gate: gate.Approval, Decisions: []gate.Decision{{By: by, Reject: reject, Attested: attested, At: at, Why: "ticket 4711"}}}}
	}
	step := func(name, output string, value any) stage.Record {
		data, err := json.Marshal(value)
		require.NoError(t, err)
		return stage.Record{Step: name, Outputs: map[string]string{output: string(data)}}
	}
	d := record.Document{Steps: []stage.Record{
		step("gate-stage", "gates", decided("ada", false, true)), step("deploy-stage", "summary", deploy.Summary{Gates: decided("ada", false, true)}),
		step("gate-prod", "gates", decided("bob", true, false)),
		{Step: "gate-eu", Outputs: map[string]string{"gates": "{"}},
	}}
	assert.Equal(t, []string{
		"stage approved by ada at 2026-11-28T09:00:00Z: ticket 4711", "prod rejected by bob (not attested) at 2026-11-28T09:00:00Z: ticket 4711",
	}, d.Decisions())
}
