package stage

import (
	"context"
	"io"
)

// RunAsProcess runs the program as Main does.
func (p Program) RunAsProcess(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return p.run(ctx, args, stdout, stderr, takeLog)
}
