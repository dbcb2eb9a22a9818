package fault_test

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/fault"
)

func TestAnErrorOfWritingSaysWhereAndWhoHasToAct(t *testing.T) {
	cases := map[string]struct {
		err  error
		kind fault.Kind
	}{
		"full":      {syscall.ENOSPC, fault.Temporary},
		"quota":     {syscall.EDQUOT, fault.Temporary},
		"read-only": {&fs.PathError{Op: "open", Path: "x", Err: syscall.EROFS}, fault.Invalid},
		"forbidden": {syscall.EACCES, fault.Invalid},
		"missing":   {syscall.ENOENT, fault.Invalid},
		"a file":    {syscall.ENOTDIR, fault.Invalid},
		"other":     {errors.New("broken"), fault.Failed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := fault.Writing("/aphex/outputs", c.err)
			assert.Equal(t, c.kind, fault.KindOf(err))
			assert.Contains(t, err.Error(), `"/aphex/outputs"`)
			assert.ErrorIs(t, err, c.err)
		})
	}
	assert.NoError(t, fault.Writing("/x", nil))
	typed := fault.Invalidf("bad name")
	assert.Equal(t, typed, fault.Writing("/x", typed))
}
