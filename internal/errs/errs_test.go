package errs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestACancelledCallIsNeverReportedAsRefused(t *testing.T) {
	stopped := fmt.Errorf("request canceled: %w", context.Canceled)
	for name, made := range map[string]func(string, ...any) *errs.Error{"failed": errs.Failedf, "invalid": errs.Invalidf, "temporary": errs.Temporaryf} {
		err := made("%s may not assume %s: %w", "a", "b", stopped).WithHint("bootstrap the account")
		assert.Equal(t, errs.Cancelled, errs.KindOf(err), name)
		assert.Empty(t, errs.HintOf(err), name)
		assert.NotEqual(t, errs.Cancelled, errs.KindOf(made("no access: %w", errors.New("AccessDenied")).WithHint("x")), name)
	}
	assert.Equal(t, "the same command goes on", errs.HintOf(errs.Cancelledf("stopped: %w", stopped).WithHint("the same command goes on")))
}
