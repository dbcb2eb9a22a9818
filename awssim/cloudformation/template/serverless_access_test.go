package template

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// securedAPI is an API with Auth, and two methods: the first says itself who
// may call it.
func securedAPI(kind, auth, own string) string {
	return fmt.Sprintf(`
  A: {Type: AWS::Serverless::%[1]s, Properties: {StageName: dev, Auth: {%[2]s}}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      InlineCode: x
      Handler: h
      Runtime: r
      Events:
        Own: {Type: %[1]s, Properties: {Path: /own, Method: get, %[3]s: !Ref A, Auth: {%[4]s}}}
        Usual: {Type: %[1]s, Properties: {Path: /usual, Method: post, %[3]s: !Ref A}}
`, kind, auth, map[string]string{"Api": "RestApiId", "HttpApi": "ApiId"}[kind], own)
}

// definition is what an API is defined by.
type definition struct {
	Paths map[string]map[string]struct {
		Security    []map[string][]string `json:"security"`
		Integration struct {
			Credentials any `json:"credentials"`
		} `json:"x-amazon-apigateway-integration"`
	} `json:"paths"`
	SecurityDefinitions map[string]any `json:"securityDefinitions"`
	Components          struct {
		SecuritySchemes map[string]any `json:"securitySchemes"`
	} `json:"components"`
	Policy any `json:"x-amazon-apigateway-policy"`
}

// definitionOf is the definition of A, with the JSON of one of its security schemes.
func definitionOf(t *testing.T, resources map[string]map[string]any, scheme string) (d definition, text string) {
	t.Helper()
	encoded, err := json.Marshal(resources["A"]["Properties"].(map[string]any)["Body"])
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(encoded, &d))
	schemes := d.SecurityDefinitions
	if schemes == nil {
		schemes = d.Components.SecuritySchemes
	}
	one, err := json.Marshal(schemes[scheme])
	require.NoError(t, err)
	return d, string(one)
}

const (
	callRule     = `{"Fn::Sub":["arn:%s:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${__FunctionArn__}/invocations",{"__FunctionArn__":"arn:f"}]}`
	cognito      = "C: {UserPoolArn: arn:pool, AuthorizationScopes: [s], Identity: {Header: X-Token, ValidationExpression: v}}"
	ofFunction   = "L: {FunctionArn: arn:f, FunctionPayloadType: REQUEST, FunctionInvokeRole: arn:r, Identity: {Headers: [A, B], QueryStrings: [q], ReauthorizeEvery: 30}}"
	jwt          = "J: {IdentitySource: $request.header.Authorization, AuthorizationScopes: [s], JwtConfiguration: {issuer: i, audience: [a]}}"
	httpFunction = "L: {FunctionArn: arn:f, AuthorizerPayloadFormatVersion: 2.0, EnableSimpleResponses: true, EnableFunctionDefaultPermissions: true, Identity: {Headers: [A], ReauthorizeEvery: 5}}"
)

func TestAuthOfServerlessAPIsDecidesWhoMayCallEachMethod(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind, auth, own string
		scheme, want    string // a security scheme, and its JSON
		first, second   string // what the methods ask for
		more            string // ids of what is made beside the API
	}{
		"a user pool for all but one": {
			"Api", "DefaultAuthorizer: C, Authorizers: {" + cognito + "}", "Authorizer: NONE", "C",
			`{"type":"apiKey","name":"X-Token","in":"header","x-amazon-apigateway-authtype":"cognito_user_pools","x-amazon-apigateway-authorizer":
				{"type":"cognito_user_pools","providerARNs":["arn:pool"],"identityValidationExpression":"v"}}`,
			`[{"NONE":[]}]`, `[{"C":["s"]}]`, "",
		},
		"scopes of one method": {"Api", "DefaultAuthorizer: C, Authorizers: {" + cognito + "}", "AuthorizationScopes: [own]", "", "null", `[{"C":["own"]}]`, `[{"C":["s"]}]`, ""},
		"a function for one method": {
			"Api", "Authorizers: {" + ofFunction + "}", "Authorizer: L", "L",
			`{"type":"apiKey","name":"Unused","in":"header","x-amazon-apigateway-authtype":"custom","x-amazon-apigateway-authorizer":
				{"type":"request","authorizerUri":` + fmt.Sprintf(callRule, "aws") + `,"authorizerCredentials":"arn:r","authorizerResultTtlInSeconds":30,
				"identitySource":"method.request.header.A, method.request.header.B, method.request.querystring.q"}}`,
			`[{"L":[]}]`, `null`, "ALAuthorizerPermission",
		},
		"a function that reads a token": {
			"Api", "Authorizers: {L: {FunctionArn: arn:f, DisableFunctionDefaultPermissions: true}}", "Authorizer: L", "L",
			`{"type":"apiKey","name":"Authorization","in":"header","x-amazon-apigateway-authtype":"custom","x-amazon-apigateway-authorizer":
				{"type":"token","authorizerUri":` + fmt.Sprintf(callRule, "aws") + `}}`,
			`[{"L":[]}]`, `null`, "",
		},
		"signed requests": {
			"Api", "DefaultAuthorizer: AWS_IAM", "Authorizer: NONE", "AWS_IAM",
			`{"type":"apiKey","name":"Authorization","in":"header","x-amazon-apigateway-authtype":"awsSigv4"}`, `[{"NONE":[]}]`, `[{"AWS_IAM":[]}]`, "",
		},
		"keys for all but one": {
			"Api", "ApiKeyRequired: true, UsagePlan: {CreateUsagePlan: PER_API, Throttle: {RateLimit: 1}}", "ApiKeyRequired: false", "api_key",
			`{"type":"apiKey","name":"x-api-key","in":"header"}`, `null`, `[{"api_key":[]}]`, "AApiKey AUsagePlan AUsagePlanKey",
		},
		"a key and a user pool": {"Api", "DefaultAuthorizer: C, Authorizers: {" + cognito + "}", "ApiKeyRequired: true", "", "null", `[{"C":["s"]},{"api_key":[]}]`, `[{"C":["s"]}]`, ""},
		"tokens of an issuer": {
			"HttpApi", "DefaultAuthorizer: J, Authorizers: {" + jwt + "}", "Authorizer: NONE", "J",
			`{"type":"oauth2","x-amazon-apigateway-authorizer":{"type":"jwt","identitySource":"$request.header.Authorization","jwtConfiguration":{"issuer":"i","audience":["a"]}}}`,
			`[{"NONE":[]}]`, `[{"J":["s"]}]`, "",
		},
		"a function of an HTTP API": {
			"HttpApi", "Authorizers: {" + httpFunction + "}", "Authorizer: L", "L",
			`{"type":"apiKey","name":"Unused","in":"header","x-amazon-apigateway-authorizer":{"type":"request","authorizerUri":` + fmt.Sprintf(callRule, "${AWS::Partition}") + `,
				"authorizerPayloadFormatVersion":"2.0","enableSimpleResponses":true,"authorizerResultTtlInSeconds":5,"identitySource":"$request.header.A"}}`,
			`[{"L":[]}]`, `null`, "ALAuthorizerPermission",
		},
		"signed requests of an HTTP API": {
			"HttpApi", "EnableIamAuthorizer: true", "Authorizer: AWS_IAM", "AWS_IAM",
			`{"type":"apiKey","name":"Authorization","in":"header","x-amazon-apigateway-authtype":"awsSigv4"}`, `[{"AWS_IAM":[]}]`, `null`, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			resources := serverlessResources(t, securedAPI(c.kind, c.auth, c.own))
			plain := serverlessResources(t, securedAPI(c.kind, "", ""))
			d, scheme := definitionOf(t, resources, c.scheme)
			assert.JSONEq(t, c.want, scheme)
			for path, want := range map[string]string{"/own": c.first, "/usual": c.second} {
				for _, method := range d.Paths[path] {
					got, err := json.Marshal(method.Security)
					require.NoError(t, err)
					assert.JSONEq(t, want, string(got), path)
				}
			}
			var more []string
			for id := range resources {
				if plain[id] == nil && !strings.Contains(id, "Deployment") {
					more = append(more, id)
				}
			}
			slices.Sort(more)
			assert.Equal(t, c.more, strings.Join(more, " "))
		})
	}
}

func TestFunctionsBehindSignedRequestsAreCalledAsTheCaller(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		auth, own     string
		first, second any
	}{
		{"DefaultAuthorizer: AWS_IAM", "", "arn:aws:iam::*:user/*", "arn:aws:iam::*:user/*"},
		{"DefaultAuthorizer: AWS_IAM, InvokeRole: NONE", "InvokeRole: CALLER_CREDENTIALS", "arn:aws:iam::*:user/*", nil},
		{"DefaultAuthorizer: AWS_IAM, InvokeRole: arn:all", "InvokeRole: arn:own", "arn:own", "arn:all"},
		{"", "Authorizer: AWS_IAM", "arn:aws:iam::*:user/*", nil},
	} {
		d, _ := definitionOf(t, serverlessResources(t, securedAPI("Api", c.auth, c.own)), "")
		assert.Equal(t, c.first, d.Paths["/own"]["get"].Integration.Credentials, c)
		assert.Equal(t, c.second, d.Paths["/usual"]["post"].Integration.Credentials, c)
	}
}

func TestTheMethodForOtherOriginsAsksOnlyWhereTheDefaultIsForItToo(t *testing.T) {
	t.Parallel()
	options := func(auth string) []map[string][]string {
		template := strings.Replace(securedAPI("Api", auth, ""), "StageName: dev,", "StageName: dev, Cors: \"'*'\",", 1)
		d, _ := definitionOf(t, serverlessResources(t, template), "")
		return d.Paths["/own"]["options"].Security
	}
	all := "DefaultAuthorizer: C, ApiKeyRequired: true, Authorizers: {" + cognito + "}"
	assert.Equal(t, []map[string][]string{{"C": {"s"}}, {"api_key": {}}}, options(all))
	assert.Empty(t, options(all+", AddDefaultAuthorizerToCorsPreflight: false, AddApiKeyRequiredToCorsPreflight: false"))
}

func TestAPolicyOfAnAPIIsPartOfItsDefinition(t *testing.T) {
	t.Parallel()
	d, _ := definitionOf(t, serverlessResources(t, securedAPI("Api", `ResourcePolicy: {CustomStatements: {Effect: Deny}, IpRangeWhitelist: [10.0.0.0/8]}`, "")), "")
	got, err := json.Marshal(d.Policy)
	require.NoError(t, err)
	assert.JSONEq(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny"},
		{"Effect":"Allow","Action":"execute-api:Invoke","Principal":"*","Resource":["execute-api:/*"]},
		{"Effect":"Deny","Action":"execute-api:Invoke","Principal":"*","Resource":["execute-api:/*"],"Condition":{"NotIpAddress":{"aws:SourceIp":["10.0.0.0/8"]}}}]}`, string(got))
}

func TestAuthThatCannotBeIsRefusedByName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ reason, resources string }{
		{"Unable to set DefaultAuthorizer because 'X' was not defined in 'Authorizers'.", securedAPI("Api", "DefaultAuthorizer: X, Authorizers: {"+cognito+"}", "")},
		{"Event with id [Own] is invalid. Unable to set Authorizer on API method [get] for path [/own] because the related API does not define any Authorizers.", securedAPI("Api", "", "Authorizer: X")},
		{"L Authorizer must specify Identity with at least one of Headers, QueryStrings, StageVariables, or Context.", securedAPI("Api", "Authorizers: {L: {FunctionArn: f, FunctionPayloadType: REQUEST}}", "")},
		{"Authorizer [L] needs 'UserPoolArn' or 'FunctionArn'.", securedAPI("Api", "Authorizers: {L: {}}", "")},
		{"property Auth.Authorizers.C.Pool not defined", securedAPI("Api", "Authorizers: {C: {UserPoolArn: p, Pool: x}}", "")},
		{"property Auth.ResourcePolicy.SourceVpcWhitelist not defined", securedAPI("Api", "ResourcePolicy: {SourceVpcWhitelist: [v]}", "")},
		{"does not support 'CreateUsagePlan' SHARED", securedAPI("Api", "UsagePlan: {CreateUsagePlan: SHARED}", "")},
		{"'CreateUsagePlan' is required", securedAPI("Api", "UsagePlan: {}", "")},
		{"Auth works only with inline Swagger specified in 'DefinitionBody' property.", "  A: {Type: AWS::Serverless::Api, Properties: {StageName: dev, DefinitionUri: s3://b/k, Auth: {ApiKeyRequired: true}}}\n"},
		{"J OAuth2 Authorizer must define 'JwtConfiguration' and 'IdentitySource'.", securedAPI("HttpApi", "Authorizers: {J: {}}", "")},
		{"L Lambda Authorizer must define 'AuthorizerPayloadFormatVersion'.", securedAPI("HttpApi", "Authorizers: {L: {FunctionArn: f}}", "")},
		{"Unable to set Authorizer because 'AWS_IAM' needs 'EnableIamAuthorizer: true'", securedAPI("HttpApi", "", "Authorizer: AWS_IAM")},
		{"property Events.Own.Properties.Auth.ApiKeyRequired not defined", securedAPI("HttpApi", "", "ApiKeyRequired: true")},
	} {
		_, err := processed(serverlessTemplate(c.resources))
		require.Error(t, err, c.reason)
		assert.Contains(t, err.Error(), c.reason)
	}
}
