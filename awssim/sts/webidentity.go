package sts

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/aphex/aphex-pipeline/awssim/iam"
	"github.com/aphex/aphex-pipeline/awssim/policy"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// claims are the members of a web identity token that decide.
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience audience `json:"aud"`
	Expires  int64    `json:"exp"`
}

type audience []string

func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}

// assumeRoleWithWebIdentity does not verify the token's signature. It checks issuer,
// audience, expiry and the role's trust policy.
func (t Tokens) assumeRoleWithWebIdentity(call *wire.Call) (any, error) {
	request, err := readAssume(call)
	if err != nil {
		return nil, err
	}
	token, err := readToken(call.Form.Get("WebIdentityToken"), call.Now)
	if err != nil {
		return nil, err
	}
	issuer := strings.TrimPrefix(token.Issuer, "https://")
	provider, err := t.issuer(request.role, issuer, token)
	if err != nil {
		return nil, err
	}
	role, err := t.trustingToken(request, provider, issuer, token)
	if err != nil {
		return nil, err
	}
	length, err := request.duration(role, false)
	if err != nil {
		return nil, err
	}
	result, err := t.open(role, request, length)
	result.Subject, result.Audience, result.Provider = token.Subject, token.Audience[0], provider.ARN
	return result, err
}

func readToken(text string, now time.Time) (claims, error) {
	var token claims
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return token, invalidToken("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil || json.Unmarshal(payload, &token) != nil {
		return token, invalidToken("The ID Token provided could not be decoded")
	}
	if len(token.Audience) == 0 || token.Subject == "" || token.Issuer == "" {
		return token, invalidToken("Missing a required claim: iss, sub and aud must be given")
	}
	if token.Expires != 0 && now.After(time.Unix(token.Expires, 0)) {
		return token, wire.Errorf("ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time")
	}
	return token, nil
}

func (t Tokens) issuer(role, issuer string, token claims) (iam.Provider, error) {
	parsed, err := arn.Parse(role)
	if err != nil {
		return iam.Provider{}, err
	}
	provider, err := t.Directory.Provider(arn.ARN{Partition: parsed.Partition, Service: "iam", AccountID: parsed.AccountID, Resource: "oidc-provider/" + issuer}.String())
	if err != nil {
		return iam.Provider{}, invalidToken("No OpenIDConnect provider found in your account for https://" + issuer)
	}
	for _, client := range token.Audience {
		if slices.Contains(provider.Clients, client) {
			return provider, nil
		}
	}
	return iam.Provider{}, invalidToken("Incorrect token audience")
}

func (t Tokens) trustingToken(request assumeRequest, provider iam.Provider, issuer string, token claims) (iam.Role, error) {
	denied := wire.Commonf(wire.AccessDenied, "Not authorized to perform sts:AssumeRoleWithWebIdentity")
	role, _, err := t.Directory.RoleOf(request.role)
	if err != nil {
		return iam.Role{}, denied
	}
	trust, err := policy.Parse(role.Trust)
	if err != nil {
		return iam.Role{}, denied
	}
	keys := request.keys()
	keys[issuer+":sub"], keys[issuer+":aud"] = []string{token.Subject}, token.Audience
	if t.Directory.Decide(policy.Caller{Federated: provider.ARN}, policy.Question{
		Action: "sts:AssumeRoleWithWebIdentity", Resource: role.ARN, Keys: keys, ResourcePolicy: trust, Trust: true,
	}) != nil {
		return iam.Role{}, denied
	}
	return role, nil
}

func invalidToken(message string) error { return wire.Errorf("InvalidIdentityToken", "%s", message) }
