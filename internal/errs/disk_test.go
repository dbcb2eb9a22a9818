package errs_test

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestAnErrorOfWritingSaysWhereAndWhoHasToAct(t *testing.T) {
	cases := map[string]struct {
		err  error
		kind errs.Kind
	}{
		"full":      {syscall.ENOSPC, errs.Temporary},
		"quota":     {syscall.EDQUOT, errs.Temporary},
		"read-only": {&fs.PathError{Op: "open", Path: "x", Err: syscall.EROFS}, errs.Invalid},
		"forbidden": {syscall.EACCES, errs.Invalid},
		"missing":   {syscall.ENOENT, errs.Invalid},
		"a file":    {syscall.ENOTDIR, errs.Invalid},
		"other":     {errors.New("broken"), errs.Failed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := errs.Writing("/aphex/outputs", c.err)
			assert.Equal(t, c.kind, errs.KindOf(err))
			assert.Contains(t, err.Error(), `"/aphex/outputs"`)
			assert.ErrorIs(t, err, c.err)
		})
	}
	assert.NoError(t, errs.Writing("/x", nil))
	typed := errs.Invalidf("bad name")
	assert.Equal(t, typed, errs.Writing("/x", typed))
}
