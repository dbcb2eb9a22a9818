package proc_test

import (
	"testing"

	"github.com/aphex/aphex-pipeline/internal/command/commandtest"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
)

func TestAProcessIsARunner(t *testing.T) { commandtest.Run(t, proc.Runner{}) }
