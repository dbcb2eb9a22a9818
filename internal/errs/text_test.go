package errs_test

import (
	"fmt"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestOneLineRemovesLineBreaksAndCursorControls(t *testing.T) {
	for text, want := range map[string]string{
		"": "", " \n": "", "a\r\n\tb  c ": "a b c", "up\x1b[1A": "up [1A", "wide\u00a0space": "wide space", "é\x7f!": "é !",
	} {
		assert.Equal(t, want, errs.OneLine(text))
	}
}

func TestCodeReturnsTheErrorCodeOfAnAWSResponse(t *testing.T) {
	refused := &smithy.GenericAPIError{Code: "AccessDenied"}
	assert.Equal(t, "AccessDenied", errs.Code(fmt.Errorf("reading: %w", refused)))
	assert.Empty(t, errs.Code(fmt.Errorf("reading")))
	assert.Empty(t, errs.Code(nil))
}
