package githubtest

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// AppLogin is the login of the comments of the App.
const AppLogin = "shop-app[bot]"

// appToken serves what a GitHub App asks for: who it is, and a token of an hour of its
// installation, narrowed to the repository and to rights.
func (s *Server) appToken(r *http.Request, path string, body []byte) (int, any, *refusal) {
	if err := s.verify(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); err != nil {
		return 0, nil, refuse(401, "%s", err)
	}
	if r.Method == http.MethodGet && path == "app" {
		return 200, map[string]any{"id": s.App.ID, "slug": strings.TrimSuffix(AppLogin, "[bot]")}, nil
	}
	if r.Method != http.MethodPost || path != "app/installations/"+strconv.FormatInt(s.App.Installation, 10)+"/access_tokens" {
		return 0, nil, refuse(404, "Not Found")
	}
	var in struct {
		Repositories []string          `json:"repositories"`
		Permissions  map[string]string `json:"permissions"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return 0, nil, refuse(400, "Problems parsing JSON: %s", err)
	}
	if !slices.Equal(in.Repositories, []string{Name}) || len(in.Permissions) == 0 {
		return 0, nil, refuse(422, "a token that is not narrowed to the repository and to rights")
	}
	for right, level := range in.Permissions {
		if has := s.App.Rights[right]; has != "write" && has != level {
			return 0, nil, refuse(422, "The permissions requested are not granted to this installation.")
		}
	}
	s.Asked = append(s.Asked, body)
	key := make([]byte, 16)
	_, _ = rand.Read(key)
	token := &Token{Rights: in.Permissions, Expires: time.Now().Add(time.Hour)}
	name := "ghs_" + hex.EncodeToString(key)
	s.Tokens[name] = token
	return 201, map[string]any{"token": name, "expires_at": token.Expires.UTC().Format(time.RFC3339), "permissions": in.Permissions, "repository_selection": "selected", "repositories": []any{map[string]string{"full_name": cmp.Or(s.App.Owner, Owner) + "/" + Name}}}, nil
}

// verify checks the JSON Web Token of an App as GitHub documents it: RS256, issued by the App,
// not in the future but for a minute, and valid for ten minutes at most.
func (s *Server) verify(token string) error {
	if s.App == nil {
		return fmt.Errorf("Integration not found")
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return fmt.Errorf("A JSON web token could not be decoded")
	}
	var header struct{ Alg string }
	var claims struct {
		Iat, Exp int64
		Iss      string
	}
	for i, into := range []any{&header, &claims} {
		data, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(data, into) != nil {
			return fmt.Errorf("A JSON web token could not be decoded")
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	now := time.Now().Unix()
	switch {
	case err != nil || header.Alg != "RS256" || rsa.VerifyPKCS1v15(s.App.Key, crypto.SHA256, digest[:], signature) != nil:
		return fmt.Errorf("A JSON web token could not be decoded")
	case claims.Iss != strconv.FormatInt(s.App.ID, 10):
		return fmt.Errorf("'Issuer' claim ('iss') must be the App ID")
	case claims.Iat > now+60 || claims.Iat == 0:
		return fmt.Errorf("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
	case claims.Exp <= now || claims.Exp > now+600:
		return fmt.Errorf("'Expiration time' claim ('exp') is too far in the future")
	}
	return nil
}
