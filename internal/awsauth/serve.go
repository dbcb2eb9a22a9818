package awsauth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"
)

// CredentialServer issues a session's credentials to child processes through an endpoint
// on the loopback interface. Every AWS SDK supports it ("container credentials") and
// fetches new ones before they expire.
type CredentialServer struct {
	session *Session // nil issues none
	none    error    // why none are issued
	region  string
	token   string
	url     string
	server  *http.Server
	hide    func(secret string)
}

// serveCredentials starts the endpoint with a session, or without one for a reason, and
// passes its token and all credentials that it issues to hide, as they are secret. The
// caller must call Close when the children have ended.
func serveCredentials(session *Session, region string, none error, hide func(secret string)) (*CredentialServer, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening the loopback endpoint for credentials: %w", err)
	}
	server := &CredentialServer{
		session: session, none: none, region: region, token: rand.Text(), url: "http://" + listener.Addr().String() + "/credentials", hide: hide,
	}
	server.server = &http.Server{Handler: http.HandlerFunc(server.answer), ReadHeaderTimeout: 10 * time.Second}
	hide(server.token)
	go func() { _ = server.server.Serve(listener) }() // it ends with Close
	return server, nil
}

// Identity returns the ARN of the identity whose credentials are issued; "none" if there is none.
func (s *CredentialServer) Identity() string {
	if s.session == nil {
		return "none"
	}
	return s.session.ARN
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
	if s.session == nil {
		refuse(w, http.StatusForbidden, "AccessDenied", "there are no credentials for this command: "+s.none.Error())
		return
	}
	issued, err := s.session.Config.Credentials.Retrieve(ctx)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "CredentialsUnavailable", err.Error())
		return
	}
	for _, secret := range []string{issued.AccessKeyID, issued.SecretAccessKey, issued.SessionToken} {
		s.hide(secret) // before a child can print it
	}
	_ = json.NewEncoder(w).Encode(map[string]string{
		"AccessKeyId": issued.AccessKeyID, "SecretAccessKey": issued.SecretAccessKey, "Token": issued.SessionToken,
		"Expiration": issued.Expires.UTC().Format(time.RFC3339), "AccountId": s.session.Account,
	})
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"code": code, "message": message})
}

// Variables returns the variables by which a child finds the endpoint, and the region. A
// child must have no others that lead an SDK to credentials.
func (s *CredentialServer) Variables() []string {
	return []string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + s.url,
		"AWS_CONTAINER_AUTHORIZATION_TOKEN=" + s.token,
		"AWS_REGION=" + s.region,
		"AWS_DEFAULT_REGION=" + s.region,
	}
}
