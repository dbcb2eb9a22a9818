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

// CredentialServer lends a session's credentials to child processes through an endpoint on
// the loopback interface, which every AWS SDK asks again when its credentials
// are about to end ("container credentials").
type CredentialServer struct {
	session *Session
	token   string
	url     string
	server  *http.Server
}

// untilAsked is the lifetime told for credentials that have no end of their own.
const untilAsked = time.Hour

// ServeCredentials starts the endpoint with the credentials for commands, and gives
// its token to hide, as it belongs in no log. Close must be called when the
// children have ended.
func (e *Access) ServeCredentials(hide func(secret string)) (*CredentialServer, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening the loopback endpoint for credentials: %w", err)
	}
	loan := &CredentialServer{session: e.Commands, token: rand.Text(), url: "http://" + listener.Addr().String() + "/credentials"}
	loan.server = &http.Server{Handler: http.HandlerFunc(loan.answer), ReadHeaderTimeout: 10 * time.Second}
	hide(loan.token)
	go func() { _ = loan.server.Serve(listener) }() // it ends with Close
	return loan, nil
}

// Close ends the loan.
func (l *CredentialServer) Close() error { return l.server.Close() }

func (l *CredentialServer) answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.Method != http.MethodGet || r.URL.Path != "/credentials" {
		refuse(w, http.StatusNotFound, "NotFound", "there is nothing here")
		return
	}
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(l.token)) != 1 {
		refuse(w, http.StatusUnauthorized, "AccessDenied", "the authorization token is not the right one")
		return
	}
	l.lend(r.Context(), w)
}

func (l *CredentialServer) lend(ctx context.Context, w http.ResponseWriter) {
	lent, err := l.session.Config.Credentials.Retrieve(ctx)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "CredentialsUnavailable", err.Error())
		return
	}
	expires := lent.Expires
	if !lent.CanExpire {
		expires = time.Now().Add(untilAsked)
	}
	_ = json.NewEncoder(w).Encode(map[string]string{
		"AccessKeyId": lent.AccessKeyID, "SecretAccessKey": lent.SecretAccessKey, "Token": lent.SessionToken,
		"Expiration": expires.UTC().Format(time.RFC3339), "AccountId": l.session.Account,
	})
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"code": code, "message": message})
}

// replaced are the variables through which an SDK would find other credentials first.
var replaced = []string{
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION",
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_REGION", "AWS_DEFAULT_REGION",
}

// Environ gives the environment of a child: base without other credentials,
// with the endpoint and the session's region. An AWS_ENDPOINT_URL stays.
func (l *CredentialServer) Environ(base []string) []string {
	env := slices.DeleteFunc(slices.Clone(base), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(replaced, name)
	})
	region := l.session.Config.Region
	return append(env,
		"AWS_CONTAINER_CREDENTIALS_FULL_URI="+l.url,
		"AWS_CONTAINER_AUTHORIZATION_TOKEN="+l.token,
		// Profiles come before container credentials in the SDKs' search.
		"AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_CONFIG_FILE="+os.DevNull,
		"AWS_REGION="+region,
		"AWS_DEFAULT_REGION="+region)
}
