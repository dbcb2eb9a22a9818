package errs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// answered has the shape of an error that the AWS SDK makes of an answer.
type answered struct {
	status int
	code   string
}

func (answered) Error() string         { return "answered" }
func (e answered) HTTPStatusCode() int { return e.status }
func (e answered) ErrorCode() string   { return e.code }

// unsent has the shape of an error that the AWS SDK makes of a broken connection.
type unsent struct{ error }

func (unsent) ConnectionError() bool { return true }
func (e unsent) Unwrap() error       { return e.error }

func TestErrorsThatARetryMayResolveAreTemporary(t *testing.T) {
	for name, err := range map[string]error{
		"500": answered{status: 500}, "503": answered{status: 503}, "429": answered{status: 429},
		"throttle": answered{400, "ThrottlingException"}, "slow down": answered{503, "SlowDown"},
		"reset": syscall.ECONNRESET, "refused": syscall.ECONNREFUSED, "cut off": io.ErrUnexpectedEOF,
		"no answer": unsent{io.EOF}, "deadline": context.DeadlineExceeded, "typed": errs.Temporaryf("busy"),
	} {
		assert.True(t, errs.IsTemporary(fmt.Errorf("calling: %w", err)), name)
		assert.Equal(t, errs.Temporary, errs.KindOf(fmt.Errorf("calling: %w", err)), name)
	}
}

func TestPermanentErrorsAreNotTemporary(t *testing.T) {
	for name, err := range map[string]error{
		"404": answered{status: 404}, "denied": answered{403, "AccessDenied"}, "end of a file": io.EOF, "any": errors.New("any"),
		"cancelled": context.Canceled, "cancelled on the way": unsent{context.Canceled}, "typed": errs.Invalidf("wrong: %w", answered{status: 500}),
	} {
		assert.False(t, errs.IsTemporary(err), name)
		assert.NotEqual(t, errs.Temporary, errs.KindOf(err), name)
	}
}
