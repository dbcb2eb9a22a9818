package awsauth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/logging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
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

// TestWhatCommandsWriteToTheHomeFolderLaterIsNotRead has a command of the repository write the files of the AWS SDKs to
// the home that it shares with the program. The first home shows that the files work.
func TestWhatCommandsWriteToTheHomeFolderLaterIsNotRead(t *testing.T) {
	taken := filepath.Join(t.TempDir(), "taken")
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
		"AWS_REGION", "AWS_DEFAULT_REGION",
	} {
		t.Setenv(name, "")
		require.NoError(t, os.Unsetenv(name))
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	files := map[string]string{
		"credentials with a program": "[default]\nendpoint_url = http://attacker.example\ncredential_process = touch " + taken + "\n",
		"keys":                       "[default]\nregion = eu-north-1\naws_access_key_id = THEIRS\naws_secret_access_key = s\n",
	}
	for name, text := range files {
		for _, first := range []bool{true, false} { // whether the command or the program is first
			home := t.TempDir()
			t.Setenv("AWS_CONFIG_FILE", filepath.Join(home, ".aws", "config")) // the SDK takes HOME from the start of the process
			if !first {
				_, err := awsauth.Load(t.Context(), "")
				require.NoError(t, err)
			}
			require.NoError(t, proc.Runner{}.Run(t.Context(), command.Command{
				Args: []string{"sh", "-c", `mkdir "$HOME/.aws"; printf '%s' "$FILE" > "$HOME/.aws/config"`}, Env: append(os.Environ(), "HOME="+home, "FILE="+text),
			}))
			cfg, err := awsauth.Load(t.Context(), "eu-west-1")
			require.NoError(t, err)
			got, _ := cfg.Credentials.Retrieve(t.Context())
			_, ran := os.Stat(taken)
			_ = os.Remove(taken)
			succeeded := got.AccessKeyID == "THEIRS" || ran == nil || aws.ToString(cfg.BaseEndpoint) != ""
			assert.Equal(t, first, succeeded, "%s, written first: %t", name, first)
			assert.Equal(t, "eu-west-1", cfg.Region)
		}
	}
}

func TestTheRegionOfTheEnvironmentIsTheDefault(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_REGION", "eu-west-1")
	for given, want := range map[string]string{"": "eu-west-1", "eu-west-3": "eu-west-3"} {
		cfg, err := awsauth.Load(t.Context(), given)
		require.NoError(t, err)
		assert.Equal(t, want, cfg.Region)
	}
	require.NoError(t, os.Unsetenv("AWS_REGION"))
	t.Setenv("AWS_DEFAULT_REGION", "")
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	cfg, err := awsauth.Load(t.Context(), "")
	require.NoError(t, err)
	assert.Empty(t, cfg.Region, "none is made up")
}
