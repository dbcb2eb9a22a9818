package errs_test

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestAWriteErrorNamesItsPathAndHasTheKindOfItsCause(t *testing.T) {
	cases := map[string]struct {
		err  error
		kind errs.Kind
	}{
		"full":      {syscall.ENOSPC, errs.Failed},
		"quota":     {syscall.EDQUOT, errs.Failed},
		"read-only": {&fs.PathError{Op: "open", Path: "x", Err: syscall.EROFS}, errs.Invalid},
		"forbidden": {syscall.EACCES, errs.Invalid},
		"missing":   {syscall.ENOENT, errs.Invalid},
		"a file":    {syscall.ENOTDIR, errs.Invalid},
		"a folder":  {syscall.EISDIR, errs.Invalid},
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

// A retry of a step gets a volume of the same size.
func TestAFullDiskIsNotRetriedAndSaysWhatToDo(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "/tmp/x", Err: syscall.ENOSPC}
	for name, err := range map[string]error{
		"a file": full, "a quota": syscall.EDQUOT, "with its path": errs.Writing("/tmp", full),
		"within a failure": errs.Failedf("unpacking: %w", full), "beside a lost connection": errors.Join(full, io.ErrUnexpectedEOF),
	} {
		assert.False(t, errs.IsTemporary(err), name)
		assert.Equal(t, errs.Failed, errs.KindOf(err), name)
		assert.Contains(t, errs.HintOf(err), "podLimits.storage", name)
	}
	assert.Equal(t, "its own", errs.HintOf(errs.Failedf("unpacking: %w", full).WithHint("its own")))
	assert.Empty(t, errs.HintOf(syscall.EIO))
}

// failing fails to write.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestOnlyAnErrorOfWritingNamesWhereACopyGoes(t *testing.T) {
	err := failureOf(errs.Copy("/there", failing{syscall.ENOSPC}, strings.NewReader("x")))
	assert.ErrorContains(t, err, `writing to "/there"`)
	assert.Equal(t, errs.Failed, errs.KindOf(err))

	broken := &fs.PathError{Op: "read", Path: "/here", Err: syscall.EISDIR}
	err = failureOf(errs.Copy("/there", io.Discard, io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken))))
	assert.Equal(t, broken, err, "as it is")

	var copied strings.Builder
	size, err := errs.Copy("/there", &copied, strings.NewReader("all"))
	assert.NoError(t, err)
	assert.Equal(t, int64(3), size)
	assert.Equal(t, "all", copied.String())
}

func failureOf(_ int64, err error) error { return err }
