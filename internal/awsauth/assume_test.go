package awsauth_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

var quiet = slog.New(slog.DiscardHandler)

const (
	ownRole    = "arn:aws:iam::222222222222:role/team/AphexPipelineCrossAccountRole"
	deployRole = "arn:aws:iam::222222222222:role/cdk-hnb659fds-deploy-role-222222222222-eu-central-1"
)

func TestTheAccountOfTheCredentialsNeedsNoRole(t *testing.T) {
	s, cfg := newStub(t)
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "111111111111", Region: "us-east-1"}, quiet)
	require.NoError(t, err)
	assert.Empty(t, s.asked)
	assert.Equal(t, "111111111111", e.Verified.Account)
	assert.Equal(t, "us-east-1", e.Verified.Config.Region)
	assert.Equal(t, "aws", e.Partition)
}

func TestTheAccountOfTheCredentialsIsReadWithTheBootstrapLookupRole(t *testing.T) {
	s, cfg := newStub(t)
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "111111111111", Region: "us-east-1"}, quiet)
	require.NoError(t, err)
	reader, err := e.Reader(t.Context())
	require.NoError(t, err)
	require.Len(t, s.asked, 1)
	assert.Equal(t, "arn:aws:iam::111111111111:role/cdk-hnb659fds-lookup-role-111111111111-us-east-1", s.asked[0].Get("RoleArn"))
	assert.NotSame(t, e.Verified, reader)
	assert.Equal(t, "111111111111", reader.Account)
}

func TestAReaderFallsBackOnARefusalOnly(t *testing.T) {
	s, cfg := newStub(t)
	var log bytes.Buffer
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "111111111111", Region: "us-east-1"}, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	ended, end := context.WithCancel(t.Context())
	end()
	_, err = e.Reader(ended)
	assert.Equal(t, errs.Cancelled, errs.KindOf(err))
	s.mu.Lock() // the cancelled call may still be on its way
	s.assume = func(url.Values) string { return "AccessDenied" }
	s.mu.Unlock()
	reader, err := e.Reader(t.Context())
	require.NoError(t, err)
	assert.Equal(t, e.Verified.ARN, reader.ARN)
	assert.Contains(t, log.String(), "cannot assume a role")
}

func TestAnotherAccountIsAccessedWithTheBootstrapLookupRole(t *testing.T) {
	s, cfg := newStub(t)
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{
		Account: "222222222222", Region: "eu-central-1", ExternalID: "never", Environment: "prod", Commit: "never", Run: "shop/run 7",
	}, quiet)
	require.NoError(t, err)
	require.Len(t, s.asked, 1)
	assert.Equal(t, "arn:aws:iam::222222222222:role/cdk-hnb659fds-lookup-role-222222222222-eu-central-1", s.asked[0].Get("RoleArn"))
	assert.Equal(t, "aphex-prod-shop-run-7", s.asked[0].Get("RoleSessionName"))
	assert.Equal(t, "222222222222", e.Verified.Account)

	_, err = e.Assume(t.Context(), awsauth.Role{ARN: deployRole}, "eu-central-1")
	require.NoError(t, err)
	for _, call := range s.asked {
		assert.False(t, call.Has("ExternalId"), "a bootstrap role never gets an external id")
		assert.False(t, call.Has("Tags.member.1.Key"))
	}
}

func TestTheOwnRoleGetsItsExternalIDAndSessionTags(t *testing.T) {
	s, cfg := newStub(t)
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{
		Account: "222222222222", Region: "eu-central-1", RoleARN: ownRole, ExternalID: "word",
		Environment: "a;b", Commit: "abc",
	}, quiet)
	require.NoError(t, err)
	require.Len(t, s.asked, 1)
	assert.Equal(t, "word", s.asked[0].Get("ExternalId"))
	assert.Equal(t, "aphex-a-b-local", s.asked[0].Get("RoleSessionName"))
	tags := map[string]string{}
	for i := 1; s.asked[0].Has(fmt.Sprintf("Tags.member.%d.Key", i)); i++ {
		tags[s.asked[0].Get(fmt.Sprintf("Tags.member.%d.Key", i))] = s.asked[0].Get(fmt.Sprintf("Tags.member.%d.Value", i))
	}
	assert.Equal(t, map[string]string{"aphex:commit": "abc", "aphex:environment": "a-b", "aphex:run": "local"}, tags)
	assert.Equal(t, "222222222222", e.Verified.Account)
	direct, err := e.Assume(t.Context(), awsauth.Role{}, "eu-west-3")
	require.NoError(t, err)
	assert.Equal(t, "222222222222", direct.Account)
	assert.Equal(t, "eu-west-3", direct.Config.Region)
}

func TestAWrongAccountFailsBeforeAnythingElse(t *testing.T) {
	s, cfg := newStub(t)
	_, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "333333333333", Region: "eu-west-1", RoleARN: ownRole}, quiet)
	require.ErrorContains(t, err, `is of account "222222222222", but the environment's account is 333333333333`)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Zero(t, s.identity)

	s.impostor = "444444444444"
	_, err = awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "222222222222", Region: "eu-west-1"}, quiet)
	require.ErrorContains(t, err, "the credentials are for account 444444444444 instead of 222222222222")
}

func TestARoleOfAnotherAccountIsNeverAssumed(t *testing.T) {
	s, cfg := newStub(t)
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "111111111111", Region: "eu-west-1"}, quiet)
	require.NoError(t, err)
	for _, arn := range []string{deployRole, "arn:aws:iam:::role/x", "role/x", "::::111111111111:role/x"} {
		for _, assume := range []func(context.Context, awsauth.Role, string) (*awsauth.Session, error){e.Assume, e.AssumeItself} {
			_, err = assume(t.Context(), awsauth.Role{ARN: arn}, "eu-west-1")
			require.ErrorContains(t, err, "but the environment's account is 111111111111", arn)
			assert.Equal(t, errs.Invalid, errs.KindOf(err))
		}
	}
	assert.Empty(t, s.asked)
}

func TestCredentialsOfAnotherAccountThanTheRolesAreNotUsed(t *testing.T) {
	s, cfg := newStub(t)
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "111111111111", Region: "eu-west-1"}, quiet)
	require.NoError(t, err)
	role := awsauth.Role{ARN: "arn:aws:iam::111111111111:role/deploy"}
	session, err := e.Assume(t.Context(), role, "eu-west-1")
	require.NoError(t, err)

	s.impostor = "444444444444"
	s.expired["ROLE1"] = true
	_, err = awsauth.Identify(t.Context(), session.Config)
	require.ErrorContains(t, err, "for account 444444444444 instead of 111111111111", "when they are renewed, too")

	_, err = e.Assume(t.Context(), awsauth.Role{ARN: role.ARN + "-2"}, "eu-west-1")
	require.ErrorContains(t, err, "for account 444444444444 instead of 111111111111", "no other credentials take their place")
	assert.Equal(t, errs.Failed, errs.KindOf(err))
}

func TestARefusedLookupRoleSaysHowToBootstrap(t *testing.T) {
	s, cfg := newStub(t)
	s.assume = func(url.Values) string { return "AccessDenied" }
	_, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "222222222222", Region: "eu-west-1"}, quiet)
	require.ErrorContains(t, err, "arn:aws:iam::111111111111:user/BASE may not assume arn:aws:iam::222222222222:role/cdk-hnb659fds-lookup-role")
	var refused *awsauth.NotAssumedError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "--trust 111111111111")
	_, err = awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "222222222222", Region: "eu-west-1", RoleARN: ownRole}, quiet)
	assert.Contains(t, errs.HintOf(err), "that externalId is the one that it requires")
}

func TestRolesOfTheAssemblyAreAssumedOnce(t *testing.T) {
	s, cfg := newStub(t)
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "111111111111", Region: "eu-west-1", Environment: "dev"}, quiet)
	require.NoError(t, err)
	role := awsauth.Role{ARN: "arn:aws:iam::111111111111:role/cdk-x-deploy-role", ExternalID: "given by the app", Tags: map[string]string{"a": "b"}}
	var wait sync.WaitGroup
	for _, region := range []string{"eu-west-1", "us-east-1", "eu-west-1"} {
		wait.Go(func() {
			session, err := e.Assume(t.Context(), role, region)
			if assert.NoError(t, err) {
				assert.Equal(t, region, session.Config.Region)
				assert.Equal(t, "arn:aws:sts::111111111111:assumed-role/cdk-x-deploy-role/aphex-dev-local", session.ARN)
			}
		})
	}
	wait.Wait()
	require.Len(t, s.asked, 1)
	assert.Equal(t, "given by the app", s.asked[0].Get("ExternalId"), "the external id of the app is sent")
	_, err = e.Assume(t.Context(), awsauth.Role{ARN: role.ARN}, "eu-west-1")
	require.NoError(t, err)
	assert.Len(t, s.asked, 2, "a role without the external id is another session")
}

func TestARefusedRoleFallsBackToCredentialsOfTheRightAccountWithAWarning(t *testing.T) {
	s, cfg := newStub(t)
	var log bytes.Buffer
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "111111111111", Region: "eu-west-1"}, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	s.assume = func(url.Values) string { return "AccessDenied" }
	session, err := e.Assume(t.Context(), awsauth.Role{ARN: "arn:aws:iam::111111111111:role/cdk-x-deploy-role"}, "us-east-1")
	require.NoError(t, err)
	assert.Equal(t, "arn:aws:iam::111111111111:user/BASE", session.ARN)
	assert.Contains(t, log.String(), "cannot assume a role")

	s.assume = func(url.Values) string { return "ExpiredToken" }
	_, err = e.Assume(t.Context(), awsauth.Role{ARN: "arn:aws:iam::111111111111:role/other"}, "eu-west-1")
	require.ErrorContains(t, err, "expired before", "an expired token is fatal")
}

func TestNoRoleForAnotherAccountIsAnError(t *testing.T) {
	_, cfg := newStub(t)
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "222222222222", Region: "eu-west-1"}, quiet)
	require.NoError(t, err)
	_, err = e.Assume(t.Context(), awsauth.Role{}, "eu-west-1")
	require.ErrorContains(t, err, "the app names no role for account 222222222222")
}

func TestAnExpiredSessionIsRenewedDuringACall(t *testing.T) {
	s, cfg := newStub(t)
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "222222222222", Region: "eu-west-1"}, quiet)
	require.NoError(t, err)
	s.mu.Lock()
	s.expired["ROLE1"] = true
	s.mu.Unlock()
	before := time.Now()
	version, err := awsauth.BootstrapVersion(t.Context(), e.Verified, "")
	require.NoError(t, err)
	assert.Equal(t, 30, version)
	again, err := awsauth.Assume(t.Context(), e.Verified.Config, awsauth.Target{Account: "222222222222", Region: "eu-west-1"}, quiet)
	require.NoError(t, err, "the refused call is made again with new credentials")
	assert.Equal(t, "arn:aws:iam::222222222222:user/ROLE2", again.Verified.ARN)
	assert.Less(t, time.Since(before), 20*time.Second)
}

func TestUnusableCredentialsAreExplained(t *testing.T) {
	s, cfg := newStub(t)
	s.expired["BASE"] = true
	_, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "111111111111", Region: "eu-west-1"}, quiet)
	require.ErrorContains(t, err, "the AWS credentials have expired")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
}

func TestSessionNamesAreAcceptedBySTS(t *testing.T) {
	s, cfg := newStub(t)
	for run, name := range map[string]string{
		"": "aphex-dev-local", "shop: run/7": "aphex-dev-shop-run-7", "über": "aphex-dev--ber", "; rm -rf /": "aphex-dev--rm--rf",
		strings.Repeat("a", 100): "aphex-dev-" + strings.Repeat("a", 54),
	} {
		_, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "222222222222", Region: "eu-west-1", Environment: "dev", Run: run}, quiet)
		require.NoError(t, err)
		assert.Equal(t, name, s.asked[len(s.asked)-1].Get("RoleSessionName"), run)
	}
}

func TestBootstrapVersionsAreRequiredAndReadOnce(t *testing.T) {
	s, cfg := newStub(t)
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "111111111111", Region: "eu-west-1"}, quiet)
	require.NoError(t, err)
	var checked awsauth.Bootstraps
	for range 3 {
		require.NoError(t, checked.Require(t.Context(), e.Verified, "/cdk-bootstrap/x/version", 21))
	}
	require.NoError(t, checked.Require(t.Context(), e.Verified, "", 0))
	assert.Equal(t, 1, s.ssm)
	err = checked.Require(t.Context(), e.Verified, "/cdk-bootstrap/x/version", 31)
	require.ErrorContains(t, err, "needs bootstrap version 31, but account 111111111111 has 30 in eu-west-1")
	s.version = ""
	_, err = awsauth.BootstrapVersion(t.Context(), e.Verified, "shop")
	require.ErrorContains(t, err, "not bootstrapped in eu-west-1: there is no parameter /cdk-bootstrap/shop/version")
	assert.Contains(t, errs.HintOf(err), "cdk bootstrap aws://111111111111/eu-west-1")
	s.version = "many"
	_, err = awsauth.BootstrapVersion(t.Context(), e.Verified, "")
	require.ErrorContains(t, err, `is "many", which is not a number`)
}

func TestACancelledCallIsNoRefusal(t *testing.T) {
	_, cfg := newStub(t)
	var log bytes.Buffer
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "111111111111", Region: "eu-west-1"}, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	ended, end := context.WithCancel(t.Context())
	role := awsauth.Role{ARN: "arn:aws:iam::111111111111:role/cdk-x-deploy-role"}
	end()
	_, err = e.Assume(ended, role, "eu-west-1")
	assert.Equal(t, errs.Cancelled, errs.KindOf(err))
	assert.Empty(t, errs.HintOf(err))
	assert.Empty(t, log.String())

	session, err := e.Assume(t.Context(), role, "eu-west-1")
	require.NoError(t, err, "the next caller tries again")
	assert.Contains(t, session.ARN, "assumed-role/cdk-x-deploy-role")
}
