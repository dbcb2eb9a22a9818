package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/fault"
)

func TestWhatWeCancelledOurselvesIsNeverSaidToBeRefused(t *testing.T) {
	stopped := fmt.Errorf("request canceled: %w", context.Canceled)
	for name, made := range map[string]func(string, ...any) *fault.Error{"failed": fault.Failedf, "invalid": fault.Invalidf, "temporary": fault.Temporaryf} {
		err := made("%s may not assume %s: %w", "a", "b", stopped).WithHint("bootstrap the account")
		assert.Equal(t, fault.Cancelled, fault.KindOf(err), name)
		assert.Empty(t, fault.HintOf(err), name)
		assert.NotEqual(t, fault.Cancelled, fault.KindOf(made("no access: %w", errors.New("AccessDenied")).WithHint("x")), name)
	}
	assert.Equal(t, "the same command goes on", fault.HintOf(fault.Cancelledf("stopped: %w", stopped).WithHint("the same command goes on")))
}
