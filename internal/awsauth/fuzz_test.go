package awsauth

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// FuzzCredentialRequest holds that no request gets credentials but the one with the token,
// and that every answer is JSON.
func FuzzCredentialRequest(f *testing.F) {
	const token = "the-token-of-this-test"
	f.Add("GET /credentials HTTP/1.1\r\nHost: x\r\nAuthorization: " + token + "\r\n\r\n")
	f.Add("GET /credentials HTTP/1.1\r\nHost: x\r\nAuthorization: wrong\r\n\r\n")
	f.Add("POST http://x/../credentials?a=b HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	server := &CredentialServer{token: token, hide: func(string) {}, session: &Session{
		Account: "111111111111", Config: aws.Config{Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret-key", "session")},
	}}
	f.Fuzz(func(t *testing.T, text string) {
		request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return
		}
		answer := httptest.NewRecorder()
		server.answer(answer, request)
		given := strings.Contains(answer.Body.String(), "secret-key")
		if given && request.Header.Get("Authorization") != token {
			t.Errorf("%q gets credentials", text)
		}
		if !json.Valid(answer.Body.Bytes()) {
			t.Errorf("the answer to %q is %q", text, answer.Body)
		}
	})
}
