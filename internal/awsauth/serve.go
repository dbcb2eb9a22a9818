package awsauth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// CredentialServer issues a session's credentials to child processes through an endpoint
// on the loopback interface. Every AWS SDK supports it ("container credentials") and
// fetches new ones before they expire.
type CredentialServer struct {
	session *Session
	token   string
	url     string
	server  *http.Server
	hide    func(secret string)
}

// defaultLifetime is the lifetime issued with credentials that do not expire.
const defaultLifetime = time.Hour

// ServeCredentials starts the endpoint with the session for commands, and passes its
// token and all credentials that it issues to hide, as they are secret. The caller must call Close when the children have ended.
func (e *Access) ServeCredentials(hide func(secret string)) (*CredentialServer, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening the loopback endpoint for credentials: %w", err)
	}
	server := &CredentialServer{session: e.Commands, token: rand.Text(), url: "http://" + listener.Addr().String() + "/credentials", hide: hide}
	server.server = &http.Server{Handler: http.HandlerFunc(server.answer), ReadHeaderTimeout: 10 * time.Second}
	hide(server.token)
	go func() { _ = server.server.Serve(listener) }() // it ends with Close
	return server, nil
}

// Close stops the endpoint. Credentials already issued stay valid until they expire.
func (s *CredentialServer) Close() error { return s.server.Close() }

func (s *CredentialServer) answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.Method != http.MethodGet || r.URL.Path != "/credentials" {
		refuse(w, http.StatusNotFound, "NotFound", "no such path")
		return
	}
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(s.token)) != 1 {
		refuse(w, http.StatusUnauthorized, "AccessDenied", "wrong authorization token")
		return
	}
	s.issue(r.Context(), w)
}

func (s *CredentialServer) issue(ctx context.Context, w http.ResponseWriter) {
	issued, err := s.session.Config.Credentials.Retrieve(ctx)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "CredentialsUnavailable", err.Error())
		return
	}
	for _, secret := range []string{issued.AccessKeyID, issued.SecretAccessKey, issued.SessionToken} {
		s.hide(secret) // before a child can print it
	}
	expires := issued.Expires
	if !issued.CanExpire {
		expires = time.Now().Add(defaultLifetime)
	}
	_ = json.NewEncoder(w).Encode(map[string]string{
		"AccessKeyId": issued.AccessKeyID, "SecretAccessKey": issued.SecretAccessKey, "Token": issued.SessionToken,
		"Expiration": expires.UTC().Format(time.RFC3339), "AccountId": s.session.Account,
	})
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"code": code, "message": message})
}

// replaced are the variables that lead an SDK to other credentials first.
var replaced = []string{
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION",
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_REGION", "AWS_DEFAULT_REGION",
}

// Environ returns the environment of a child: base without other credentials,
// with the endpoint and the session's region. An AWS_ENDPOINT_URL is kept.
func (s *CredentialServer) Environ(base []string) []string {
	env := slices.DeleteFunc(slices.Clone(base), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(replaced, name)
	})
	region := s.session.Config.Region
	return append(env,
		"AWS_CONTAINER_CREDENTIALS_FULL_URI="+s.url,
		"AWS_CONTAINER_AUTHORIZATION_TOKEN="+s.token,
		// The SDKs try profiles before container credentials.
		"AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_CONFIG_FILE="+os.DevNull,
		"AWS_REGION="+region,
		"AWS_DEFAULT_REGION="+region)
}
