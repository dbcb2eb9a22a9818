package awssim_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"
)

// caller calls services whose SDK is not among the module's dependencies.
type caller struct {
	t      *testing.T
	url    string
	key    aws.Credentials
	region string
}

func (c cloud) caller(account, region string) caller {
	key := c.AddAccount(account)
	return caller{c.t, c.URL(), aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey}, region}
}

// answer is what came back.
type answer struct {
	status int
	body   string
}

func (c caller) send(service, contentType, target, body string) answer {
	c.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/", strings.NewReader(body))
	require.NoError(c.t, err)
	r.Header.Set("Content-Type", contentType)
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	hash := sha256.Sum256([]byte(body))
	require.NoError(c.t, v4.NewSigner().SignHTTP(ctx, c.key, r, hex.EncodeToString(hash[:]), service, c.region, time.Now()))
	return do(c.t, r)
}

func do(t *testing.T, r *http.Request) answer {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, string(text)}
}

// form calls an awsquery operation with name=value pairs.
func (c caller) form(service, operation string, pairs ...string) answer {
	c.t.Helper()
	form := url.Values{"Action": {operation}}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		form.Add(name, value)
	}
	return c.send(service, "application/x-www-form-urlencoded", "", form.Encode())
}

// json calls an awsJson operation.
func (c caller) json(service, target string, input any) answer {
	c.t.Helper()
	text, err := json.Marshal(input)
	require.NoError(c.t, err)
	return c.send(service, "application/x-amz-json-1.1", target, string(text))
}

// ok is the body of a call that must succeed.
func (a answer) ok(t *testing.T) string {
	t.Helper()
	require.Equal(t, http.StatusOK, a.status, a.body)
	return a.body
}

var errorCode = regexp.MustCompile(`(?:<Code>|"__type":")([A-Za-z]+)`)

// code is the error code of a refusal.
func (a answer) code() string {
	if found := errorCode.FindStringSubmatch(a.body); found != nil {
		return found[1]
	}
	return a.body
}
