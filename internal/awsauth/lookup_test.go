package awsauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

const commandRole = "arn:aws:iam::222222222222:role/ShopTests"

// requested asks an endpoint for credentials as an SDK does.
func requested(t *testing.T, server *awsauth.CredentialServer) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, value(server.Variables(), "AWS_CONTAINER_CREDENTIALS_FULL_URI"), nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", value(server.Variables(), "AWS_CONTAINER_AUTHORIZATION_TOKEN"))
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}

func hide(string) {}

// TestCommandsNeverGetASessionOfOurs compares what commands are issued with the sessions that this program itself uses.
func TestCommandsNeverGetASessionOfOurs(t *testing.T) {
	bootstrapRole := func(account, region string) string {
		return "arn:aws:iam::" + account + ":role/cdk-hnb659fds-lookup-role-" + account + "-" + region
	}
	for name, c := range map[string]struct {
		to       awsauth.Target
		refuse   string
		narrowed string // role of the lookup session
		external string // id that it is assumed with
	}{
		"the account of the pipeline": {to: awsauth.Target{Account: "111111111111", Region: "eu-west-1"}, narrowed: bootstrapRole("111111111111", "eu-west-1")},
		"another account":             {to: awsauth.Target{Account: "222222222222", Region: "eu-central-1"}, narrowed: bootstrapRole("222222222222", "eu-central-1")},
		"an own role in a bootstrapped account": {
			to:       awsauth.Target{Account: "222222222222", Region: "eu-central-1", RoleARN: ownRole, ExternalID: "word"},
			narrowed: bootstrapRole("222222222222", "eu-central-1"),
		},
		"an own role without a lookup role": {
			to: awsauth.Target{Account: "222222222222", Region: "eu-central-1", RoleARN: ownRole, ExternalID: "word"}, refuse: "lookup-role", narrowed: ownRole, external: "word",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, cfg := newStub(t)
			s.assume = func(form url.Values) string {
				if c.refuse != "" && strings.Contains(form.Get("RoleArn"), c.refuse) {
					return "AccessDenied"
				}
				return ""
			}
			e, err := awsauth.Assume(t.Context(), cfg, c.to, quiet)
			require.NoError(t, err)
			for _, serve := range []func(context.Context, func(string)) (*awsauth.CredentialServer, error){e.ServeCommands, e.ServeLookups} {
				server, err := serve(t.Context(), hide)
				require.NoError(t, err)
				defer server.Close()
				status, body := requested(t, server)
				assert.Equal(t, 200, status, body)
				ours, err := e.Verified.Config.Credentials.Retrieve(t.Context())
				require.NoError(t, err)
				assert.NotContains(t, body, ours.AccessKeyID)
			}
			s.asked = slices.DeleteFunc(s.asked, func(form url.Values) bool { return s.assume(form) != "" })
			last := s.asked[len(s.asked)-1]
			assert.Equal(t, c.narrowed, last.Get("RoleArn"))
			assert.Equal(t, c.external, last.Get("ExternalId"))
			var policy struct{ Statement []map[string]any }
			require.NoError(t, json.Unmarshal([]byte(last.Get("Policy")), &policy))
			assert.NotEmpty(t, policy.Statement)
			assert.LessOrEqual(t, len(last.Get("Policy")), 2048, "STS takes no more")
			assert.Equal(t, "900", last.Get("DurationSeconds"), "it is renewed each quarter of an hour")
			for _, call := range s.asked[:len(s.asked)-1] {
				assert.Empty(t, call.Get("Policy"), "sessions of ours are not narrowed, and the narrowed one is assumed once")
			}
		})
	}
}

func TestWithoutALookupRoleCommandsGetNoCredentialsAndAreToldWhy(t *testing.T) {
	s, cfg := newStub(t)
	s.assume = func(url.Values) string { return "AccessDenied" } // an old bootstrap has no such role
	var log bytes.Buffer
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "111111111111", Region: "eu-west-1", Environment: "dev"}, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	server, err := e.ServeCommands(t.Context(), hide)
	require.NoError(t, err)
	defer server.Close()
	status, body := requested(t, server)
	assert.Equal(t, 403, status)
	assert.Contains(t, body, "may not assume arn:aws:iam::111111111111:role/cdk-hnb659fds-lookup-role")
	assert.Equal(t, "none", server.Identity())
	assert.Contains(t, log.String(), "commands get no AWS credentials")
	assert.Contains(t, log.String(), "cdk bootstrap")
}

func TestATemporaryFailureDoesNotTakeCredentialsFromCommands(t *testing.T) {
	for code, kind := range map[string]errs.Kind{"Throttling": errs.Temporary, "ExpiredToken": errs.Invalid} {
		s, cfg := newStub(t)
		e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "111111111111", Region: "eu-west-1"}, quiet)
		require.NoError(t, err)
		s.assume = func(url.Values) string { return code }
		e.Verified.Config.Retryer = nil
		_, err = e.ServeLookups(t.Context(), hide)
		require.Error(t, err, code)
		assert.Equal(t, kind, errs.KindOf(err), code)
	}
}

func TestHooksAndTestsGetTheirOwnRoleAndAppsDoNot(t *testing.T) {
	s, cfg := newStub(t)
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{
		Account: "222222222222", Region: "eu-central-1", CommandRoleARN: commandRole, ExternalID: "word", Environment: "dev", Run: "run-7",
	}, quiet)
	require.NoError(t, err)
	require.Len(t, s.asked, 2)
	asked := s.asked[1]
	assert.Equal(t, []string{commandRole, "word", "aphex:commit", ""}, []string{asked.Get("RoleArn"), asked.Get("ExternalId"), asked.Get("Tags.member.1.Key"), asked.Get("Policy")})

	commands, err := e.ServeCommands(t.Context(), hide)
	require.NoError(t, err)
	defer commands.Close()
	assert.Contains(t, commands.Identity(), "222222222222:user/ROLE2")
	lookups, err := e.ServeLookups(t.Context(), hide)
	require.NoError(t, err)
	defer lookups.Close()
	assert.Contains(t, lookups.Identity(), "assumed-role/cdk-hnb659fds-lookup-role")

	_, err = awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "111111111111", Region: "eu-west-1", CommandRoleARN: commandRole}, quiet)
	require.ErrorContains(t, err, `commandRoleArn `+commandRole+` is of account "222222222222"`)
	for _, role := range []string{ownRole, deployRole, "arn:aws:iam::222222222222:role/path/cdk-shop-lookup-role-222222222222-eu-west-1"} {
		_, err = awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "222222222222", Region: "eu-central-1", RoleARN: ownRole, CommandRoleARN: role}, quiet)
		require.ErrorContains(t, err, "commandRoleArn "+role+" is a role for deployments")
	}
	s.assume = func(form url.Values) string {
		return map[bool]string{true: "AccessDenied"}[form.Get("RoleArn") == commandRole]
	}
	_, err = awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "222222222222", Region: "eu-central-1", CommandRoleARN: commandRole}, quiet)
	require.ErrorContains(t, err, "may not assume "+commandRole)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
}

func TestBuildCommandsGetTheirRoleFromAnyAccountWithoutTheTagOfAnEnvironment(t *testing.T) {
	s, cfg := newStub(t)
	var hidden []string
	server, err := awsauth.ServeBuild(t.Context(), cfg, commandRole, "0123", "run-7", func(secret string) { hidden = append(hidden, secret) })
	require.NoError(t, err)
	defer server.Close()
	require.Len(t, s.asked, 1, "no other role is assumed, and none of a bootstrap")
	asked := s.asked[0]
	assert.Equal(t, []string{commandRole, "", "aphex-build-run-7", "900"}, []string{asked.Get("RoleArn"), asked.Get("ExternalId"), asked.Get("RoleSessionName"), asked.Get("DurationSeconds")})
	assert.Equal(t, []string{"aphex:commit", "aphex:run", ""}, []string{asked.Get("Tags.member.1.Key"), asked.Get("Tags.member.2.Key"), asked.Get("Tags.member.3.Key")})
	status, body := requested(t, server)
	assert.Equal(t, 200, status, body)
	for _, key := range []string{"AccessKeyId", "SecretAccessKey", "Token"} {
		var issued map[string]string
		require.NoError(t, json.Unmarshal([]byte(body), &issued))
		assert.Contains(t, hidden, issued[key], key)
	}

	for _, role := range []string{"arn:aws:iam::222222222222:role/cdk-hnb659fds-deploy-role-222222222222-eu-west-1", "arn:aws:iam::222222222222:role/path/cdk-shop-lookup-role-222222222222-eu-west-1"} {
		_, err = awsauth.ServeBuild(t.Context(), cfg, role, "0123", "run-7", hide)
		require.ErrorContains(t, err, "is a role for deployments")
	}
	s.assume = func(url.Values) string { return "AccessDenied" }
	_, err = awsauth.ServeBuild(t.Context(), cfg, commandRole, "0123", "run-7", hide)
	assert.ErrorAs(t, err, new(*awsauth.NotAssumedError))
}
