package checkout

import (
	"errors"
	"os"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Scratch makes a folder for what nobody needs afterwards; whoever made it
// removes it. Its name begins with the prefix.
func Scratch(prefix string) (string, error) {
	dir, err := os.MkdirTemp("", prefix)
	err = errs.Writing(os.TempDir(), err)
	var known *errs.Error
	if errors.As(err, &known) && known.Kind == errs.Invalid {
		return "", known.WithHint("name a folder that may be written to by TMPDIR, or mount one: docker run --tmpfs /tmp:exec")
	}
	return dir, err
}
