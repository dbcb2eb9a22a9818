package awsauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
)

// stub is a scripted STS and SSM that records its calls.
type stub struct {
	mu       sync.Mutex
	owners   map[string]string       // access key id to account
	assume   func(url.Values) string // "" allows, else the error code
	expired  map[string]bool         // access key ids of expired sessions
	lasts    time.Duration           // lifetime of sessions
	version  string                  // of the bootstrap stack; "" is none
	asked    []url.Values            // AssumeRole calls
	identity int                     // GetCallerIdentity calls
	ssm      int                     // GetParameter calls
	serial   int
	impostor string // the account of the sessions, if not the role's
}

func newStub(t *testing.T) (*stub, aws.Config) {
	s := &stub{
		owners: map[string]string{"BASE": "111111111111"}, expired: map[string]bool{}, lasts: time.Hour, version: "30",
		assume: func(url.Values) string { return "" },
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "BASE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	cfg, err := awsauth.Load(context.Background(), "eu-west-1")
	require.NoError(t, err)
	return s, cfg
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(rest, "/")
	if r.Header.Get("X-Amz-Target") != "" {
		s.parameter(w)
		return
	}
	_ = r.ParseForm()
	switch {
	case s.expired[key]:
		fail(w, "ExpiredToken", http.StatusForbidden)
	case r.Form.Get("Action") == "GetCallerIdentity":
		s.identity++
		fmt.Fprintf(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::%[1]s:user/%[2]s</Arn><Account>%[1]s</Account><UserId>U</UserId></GetCallerIdentityResult></GetCallerIdentityResponse>`, s.owners[key], key)
	default:
		s.assumeRole(w, r.Form)
	}
}

func (s *stub) assumeRole(w http.ResponseWriter, form url.Values) {
	s.asked = append(s.asked, form)
	if code := s.assume(form); code != "" {
		fail(w, code, http.StatusForbidden)
		return
	}
	s.serial++
	key := fmt.Sprintf("ROLE%d", s.serial)
	s.owners[key] = strings.Split(form.Get("RoleArn"), ":")[4]
	if s.impostor != "" {
		s.owners[key] = s.impostor
	}
	fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		key, time.Now().Add(s.lasts).UTC().Format(time.RFC3339))
}

func (s *stub) parameter(w http.ResponseWriter) {
	s.ssm++
	if s.version == "" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"ParameterNotFound"}`)
		return
	}
	fmt.Fprintf(w, `{"Parameter":{"Value":%q}}`, s.version)
}

func fail(w http.ResponseWriter, code string, status int) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>no</Message></Error></ErrorResponse>`, code)
}
