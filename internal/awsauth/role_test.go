package awsauth

import (
	"bytes"
	"context"
	"log/slog"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestARefusalAfterCancellationIsNotLogged(t *testing.T) {
	var log bytes.Buffer
	refused := &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}
	from, role := &Session{Account: "111111111111"}, Role{ARN: "arn:aws:iam::111111111111:role/cdk-x-deploy-role"}
	ctx, end := context.WithCancel(t.Context())
	session, err := fallBack(ctx, slog.New(slog.NewTextHandler(&log, nil)), refused, from, role, "eu-west-1")
	require.NoError(t, err)
	assert.Equal(t, from.Account, session.Account)
	assert.Contains(t, log.String(), "cannot assume a role")

	end()
	log.Reset()
	_, err = fallBack(ctx, slog.New(slog.NewTextHandler(&log, nil)), refused, from, role, "eu-west-1")
	assert.Equal(t, errs.Cancelled, errs.KindOf(err))
	assert.Empty(t, errs.HintOf(err))
	assert.Empty(t, log.String())
}
