package awsauth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"testing"

	"github.com/aws/smithy-go/logging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
)

func TestTheSDKLogsNothingAboutACancelledCall(t *testing.T) {
	var written bytes.Buffer
	before := log.Writer()
	log.SetOutput(&written)
	t.Cleanup(func() { log.SetOutput(before) })
	cfg, err := awsauth.Load(t.Context(), "eu-west-1")
	require.NoError(t, err)

	const remark = "failed to discard remaining HTTP response body: %v"
	cfg.Logger.Logf(logging.Warn, remark, &net.OpError{Op: "read", Err: net.ErrClosed})
	cfg.Logger.Logf(logging.Warn, remark, fmt.Errorf("reading: %w", context.Canceled))
	assert.Empty(t, written.String())
	cfg.Logger.Logf(logging.Warn, remark, errors.New("connection reset by peer"))
	assert.Contains(t, written.String(), "AWS SDK: failed to discard remaining HTTP response body: connection reset by peer")
}
