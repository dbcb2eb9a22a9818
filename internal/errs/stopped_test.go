package errs_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestAnInterruptedOperationIsReportedWithoutTheWordingOfGoLibraries(t *testing.T) {
	err := errs.Stopped(fmt.Errorf("hook of dev: %w", context.Canceled), "run it again")
	assert.Equal(t, "stopped by a signal: hook of dev", err.Error())
	assert.Equal(t, errs.Cancelled, errs.KindOf(err))
	assert.Equal(t, "run it again", errs.HintOf(err))
	assert.NotContains(t, errs.Stopped(context.Canceled, "").Error(), "canceled")
}
