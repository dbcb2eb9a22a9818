package policy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/policy"
)

const (
	ours   = "111111111111"
	theirs = "222222222222"
	bucket = "arn:aws:s3:::shelf/book"
)

var (
	admin    = policy.Caller{Account: ours, ARN: "arn:aws:iam::111111111111:user/admin"}
	session  = policy.Caller{Account: ours, ARN: "arn:aws:sts::111111111111:assumed-role/builder/run", RoleARN: "arn:aws:iam::111111111111:role/builder"}
	outsider = policy.Caller{Account: theirs, ARN: "arn:aws:iam::222222222222:user/admin"}
	service  = policy.Caller{Service: "cloudformation.amazonaws.com"}
	web      = policy.Caller{Federated: "arn:aws:iam::111111111111:oidc-provider/issuer"}
)

func parse(t *testing.T, text string) *policy.Document {
	t.Helper()
	document, err := policy.Parse(text)
	require.NoError(t, err)
	return document
}

func TestDecide(t *testing.T) {
	const (
		everything = `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
		reading    = `{"Statement":[{"Effect":"Allow","Action":["s3:Get*"],"Resource":"arn:aws:s3:::shelf/*"}]}`
		allowAll   = `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}`
		allowOurs  = `{"Statement":{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"s3:*","Resource":"*"}}`
		allowRole  = `{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/builder"},"Action":"s3:*","Resource":"*"}}`
		denyAll    = `{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}}`
	)
	for name, c := range map[string]struct {
		caller   policy.Caller
		identity string
		resource string
		action   string
		owner    string
		limit    string
		allowed  bool
	}{
		"an allow of the caller's own account is enough at home":                {caller: session, identity: reading, action: "s3:GetObject", allowed: true},
		"what no policy allows is denied":                                       {caller: session, identity: reading, action: "s3:PutObject"},
		"actions do not differ by case":                                         {caller: session, identity: reading, action: "S3:getobject", allowed: true},
		"a resource policy that names the role is enough at home":               {caller: session, resource: allowRole, action: "s3:GetObject", allowed: true},
		"a resource policy for the account leaves the decision to its policies": {caller: session, resource: allowOurs, action: "s3:GetObject"},
		"a resource policy for the account and an allow are enough":             {caller: session, identity: reading, resource: allowOurs, action: "s3:GetObject", allowed: true},
		"a deny of the resource outranks the administrator":                     {caller: admin, identity: everything, resource: denyAll, action: "s3:GetObject"},
		"another account needs the resource's policy":                           {caller: admin, identity: everything, action: "s3:GetObject", owner: theirs},
		"another account needs its own policy too":                              {caller: session, resource: allowAll, action: "s3:GetObject", owner: theirs},
		"both sides together let another account in":                            {caller: session, identity: reading, resource: allowOurs, action: "s3:GetObject", owner: theirs, allowed: true},
		"a boundary that does not allow it denies it":                           {caller: session, identity: everything, limit: reading, action: "s3:PutObject"},
		"what the boundary allows too is allowed":                               {caller: session, identity: everything, limit: reading, action: "s3:GetObject", allowed: true},
		"a boundary grants nothing by itself":                                   {caller: session, limit: everything, action: "s3:GetObject"},
		"a principal that is not meant gets nothing":                            {caller: outsider, identity: everything, resource: allowOurs, action: "s3:GetObject", owner: ours},
	} {
		t.Run(name, func(t *testing.T) {
			q := policy.Question{Action: c.action, Resource: bucket, Account: c.owner}
			var rights policy.Rights
			if c.identity != "" {
				rights.Grants = append(rights.Grants, parse(t, c.identity))
			}
			if c.limit != "" {
				rights.Limits = append(rights.Limits, []*policy.Document{parse(t, c.limit)})
			}
			if c.resource != "" {
				q.ResourcePolicy = parse(t, c.resource)
			}
			err := policy.Decide(c.caller, rights, q)
			assert.Equal(t, c.allowed, err == nil, "%v", err)
		})
	}
}

func TestTrust(t *testing.T) {
	const (
		role     = "arn:aws:iam::111111111111:role/deploy"
		assume   = `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}`
		account  = `{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole"}}`
		foreign  = `{"Statement":{"Effect":"Allow","Principal":{"AWS":["333333333333","222222222222"]},"Action":"sts:AssumeRole"}}`
		cfn      = `{"Statement":{"Effect":"Allow","Principal":{"Service":"cloudformation.amazonaws.com"},"Action":"sts:AssumeRole"}}`
		noID     = `{"Statement":{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole","Condition":{"Null":{"sts:ExternalId":"true"}}}}`
		withID   = `{"Statement":{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"secret"}}}}`
		excluded = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111111111111:user/admin"},"Action":"*"}]}`
		tagged   = `{"Statement":{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}}`
		issuer   = `{"Statement":{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111111111111:oidc-provider/issuer"},"Action":"sts:AssumeRole","Condition":{"StringLike":{"issuer:sub":"system:serviceaccount:argo:*"}}}}`
	)
	red := session
	red.Tags = map[string]string{"team": "red"}
	for name, c := range map[string]struct {
		caller   policy.Caller
		identity string
		trust    string
		keys     policy.Keys
		allowed  bool
	}{
		"the account's root stands for its callers":             {caller: admin, identity: assume, trust: account, allowed: true},
		"a trusted account's role still needs the right":        {caller: session, trust: account},
		"an account that is not trusted stays out":              {caller: outsider, identity: assume, trust: account},
		"an account of a list is trusted":                       {caller: outsider, identity: assume, trust: foreign, allowed: true},
		"the right alone does not open a role":                  {caller: admin, identity: assume, trust: cfn},
		"a service is trusted by its name":                      {caller: service, trust: cfn, allowed: true},
		"a service that is not named stays out":                 {caller: service, trust: account},
		"the role requires no external id":                      {caller: admin, identity: assume, trust: noID, allowed: true},
		"the role refuses an external id":                       {caller: admin, identity: assume, trust: noID, keys: policy.Keys{"sts:ExternalId": {"x"}}},
		"the right external id opens":                           {caller: admin, identity: assume, trust: withID, keys: policy.Keys{"STS:externalid": {"secret"}}, allowed: true},
		"a wrong external id does not":                          {caller: admin, identity: assume, trust: withID, keys: policy.Keys{"sts:ExternalId": {"Secret"}}},
		"a missing external id does not":                        {caller: admin, identity: assume, trust: withID},
		"all but the excluded are denied":                       {caller: session, identity: assume, trust: excluded},
		"who is excluded from the deny may":                     {caller: admin, identity: assume, trust: excluded, allowed: true},
		"a tag of the caller opens":                             {caller: red, identity: assume, trust: tagged, allowed: true},
		"without the tag it stays closed":                       {caller: session, identity: assume, trust: tagged},
		"a subject that fits opens":                             {caller: web, trust: issuer, keys: policy.Keys{"issuer:sub": {"system:serviceaccount:argo:builder"}}, allowed: true},
		"another subject does not":                              {caller: web, trust: issuer, keys: policy.Keys{"issuer:sub": {"system:serviceaccount:kube:builder"}}},
		"a wildcard in a trust policy includes no web identity": {caller: web, trust: excluded},
	} {
		t.Run(name, func(t *testing.T) {
			var rights policy.Rights
			if c.identity != "" {
				rights.Grants = append(rights.Grants, parse(t, c.identity))
			}
			err := policy.Decide(c.caller, rights, policy.Question{
				Action: "sts:AssumeRole", Resource: role, Account: ours, Keys: c.keys, ResourcePolicy: parse(t, c.trust), Trust: true,
			})
			assert.Equal(t, c.allowed, err == nil, "%v", err)
		})
	}
}

func TestADenialNamesCallerActionAndResource(t *testing.T) {
	err := policy.Decide(session, policy.Rights{}, policy.Question{Action: "s3:GetObject", Resource: bucket})
	require.EqualError(t, err, "User: arn:aws:sts::111111111111:assumed-role/builder/run is not authorized to perform: s3:GetObject "+
		"on resource: arn:aws:s3:::shelf/book because no identity-based policy allows the s3:GetObject action")
}
