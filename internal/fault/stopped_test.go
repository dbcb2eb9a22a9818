package fault_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/fault"
)

func TestWhatASignalStoppedIsSaidWithoutTheWordsOfALibrary(t *testing.T) {
	err := fault.Stopped(fmt.Errorf("hook of dev: %w", context.Canceled), "run it again")
	assert.Equal(t, "stopped by a signal: hook of dev", err.Error())
	assert.Equal(t, fault.Cancelled, fault.KindOf(err))
	assert.Equal(t, "run it again", fault.HintOf(err))
	assert.NotContains(t, fault.Stopped(context.Canceled, "").Error(), "canceled")
}
