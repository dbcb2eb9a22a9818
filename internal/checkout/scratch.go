package checkout

import (
	"errors"
	"os"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Scratch makes a temporary folder, which the caller removes. Its name begins with the
// prefix.
func Scratch(prefix string) (string, error) {
	dir, err := os.MkdirTemp("", prefix)
	err = errs.Writing(os.TempDir(), err)
	var known *errs.Error
	if errors.As(err, &known) && known.Kind == errs.Invalid {
		return "", known.WithHint("set TMPDIR to a writable folder, or mount one: docker run --tmpfs /tmp:exec")
	}
	return dir, err
}
