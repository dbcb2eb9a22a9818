package awssim_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
)

const trustAccount = `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":["sts:AssumeRole","sts:TagSession"]}]}`

// role makes a role with an inline policy and gives its ARN.
func (c cloud) role(account, name, trust, policy string) string {
	c.t.Helper()
	admin := c.caller(account, "us-east-1")
	admin.form("iam", "CreateRole", "RoleName="+name, "AssumeRolePolicyDocument="+trust).ok(c.t)
	if policy != "" {
		admin.form("iam", "PutRolePolicy", "RoleName="+name, "PolicyName=p", "PolicyDocument="+policy).ok(c.t)
	}
	return fmt.Sprintf("arn:aws:iam::%s:role/%s", account, name)
}

// assume assumes a role as the caller of a configuration.
func (c cloud) assume(from aws.Config, arn string, change ...func(*sts.AssumeRoleInput)) (aws.Config, error) {
	input := &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("test")}
	for _, f := range change {
		f(input)
	}
	out, err := sts.NewFromConfig(from).AssumeRole(ctx, input)
	if err != nil {
		return aws.Config{}, err
	}
	return c.with(provider(out.Credentials), from.Region), nil
}

func provider(c *types.Credentials) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

func TestARoleIsAssumedFromATrustedAccount(t *testing.T) {
	c := newCloud(t)
	arn := c.role(prodAccount, "deploy", fmt.Sprintf(trustAccount, devAccount), `{"Statement":{"Effect":"Allow","Action":"ssm:GetParameter","Resource":"*"}}`)
	assumed, err := c.assume(c.as(devAccount, ireland), arn)
	require.NoError(t, err)
	who, err := sts.NewFromConfig(assumed).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sts::222222222222:assumed-role/deploy/test", *who.Arn)
	require.Equal(t, prodAccount, *who.Account)

	_, err = ssm.NewFromConfig(assumed).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/x")})
	require.Equal(t, "ParameterNotFound", code(err), "what the role's policy allows")
	_, err = ssm.NewFromConfig(assumed).DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: aws.String("/x")})
	require.Equal(t, "AccessDeniedException", code(err), "what it does not")
	require.ErrorContains(t, err, "assumed-role/deploy/test is not authorized to perform: ssm:DeleteParameter")
}

func TestARoleIsAssumedByTrustedCallersOnly(t *testing.T) {
	c := newCloud(t)
	arn := c.role(prodAccount, "deploy", fmt.Sprintf(trustAccount, devAccount), "")
	for name, from := range map[string]aws.Config{
		"an account that is not trusted":         c.as("333333333333", ireland),
		"the role's own account, if not trusted": c.as(prodAccount, ireland),
	} {
		_, err := c.assume(from, arn)
		assert.Equal(t, "AccessDenied", code(err), name)
	}
	_, err := c.assume(c.as(devAccount, ireland), arn+"-missing")
	require.Equal(t, "AccessDenied", code(err), "a role that does not exist")
	weak, err := c.assume(c.as(devAccount, ireland), c.role(devAccount, "weak", fmt.Sprintf(trustAccount, devAccount), ""))
	require.NoError(t, err)
	_, err = c.assume(weak, arn)
	require.Equal(t, "AccessDenied", code(err), "a role without the right to assume others")
}

func TestAnExternalIDAndTagsMustMatchTheTrustPolicy(t *testing.T) {
	c := newCloud(t)
	admin := c.as(devAccount, ireland)
	own := c.role(prodAccount, "own", `{"Statement":{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":["sts:AssumeRole","sts:TagSession"],
		"Condition":{"StringEquals":{"sts:ExternalId":"e1","aws:RequestTag/pipeline":"shop"}}}}`, `{"Statement":{"Effect":"Allow","Action":"ssm:PutParameter",
		"Resource":"arn:aws:ssm:*:*:parameter/${aws:PrincipalTag/pipeline}/*"}}`)
	withID := func(id string) func(*sts.AssumeRoleInput) {
		return func(in *sts.AssumeRoleInput) { in.ExternalId = &id }
	}
	tagged := func(in *sts.AssumeRoleInput) {
		in.Tags = []types.Tag{{Key: aws.String("pipeline"), Value: aws.String("shop")}}
	}
	_, err := c.assume(admin, own, tagged)
	assert.Equal(t, "AccessDenied", code(err), "without the external id")
	_, err = c.assume(admin, own, withID("e2"), tagged)
	assert.Equal(t, "AccessDenied", code(err), "with another external id")
	_, err = c.assume(admin, own, withID("e1"))
	assert.Equal(t, "AccessDenied", code(err), "without the tag")
	assumed, err := c.assume(admin, own, withID("e1"), tagged)
	require.NoError(t, err)
	put := func(name string) error {
		_, err := ssm.NewFromConfig(assumed).PutParameter(ctx, &ssm.PutParameterInput{Name: &name, Value: aws.String("v"), Type: "String"})
		return err
	}
	require.NoError(t, put("/shop/x"), "the session's tag is part of its rights")
	require.Equal(t, "AccessDeniedException", code(put("/other/x")))
	untagged := c.role(prodAccount, "untagged", `{"Statement":{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}}`, "")
	_, err = c.assume(admin, untagged, tagged)
	require.Equal(t, "AccessDenied", code(err), "tags need sts:TagSession")
}

func TestASessionExpires(t *testing.T) {
	clock := awssim.NewClock()
	c := start(t, awssim.Options{Clock: clock})
	arn := c.role(devAccount, "short", fmt.Sprintf(trustAccount, devAccount), `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	assumed, err := c.assume(c.as(devAccount, ireland), arn, func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(900) })
	require.NoError(t, err)
	clock.Advance(14 * time.Minute)
	_, err = ssm.NewFromConfig(assumed).DescribeParameters(ctx, &ssm.DescribeParametersInput{})
	require.NoError(t, err)
	clock.Advance(2 * time.Minute)
	_, err = ssm.NewFromConfig(assumed).DescribeParameters(ctx, &ssm.DescribeParametersInput{})
	require.Equal(t, "ExpiredTokenException", code(err))
	_, err = s3.NewFromConfig(assumed).ListBuckets(ctx, &s3.ListBucketsInput{})
	require.Equal(t, "ExpiredToken", code(err))
	_, err = sts.NewFromConfig(assumed).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	require.Equal(t, "ExpiredToken", code(err))
}

func TestSessionsAreNoLongerThanTheyMayBe(t *testing.T) {
	c := newCloud(t)
	admin := c.as(devAccount, ireland)
	arn := c.role(devAccount, "r", fmt.Sprintf(trustAccount, devAccount), `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	lasting := func(seconds int32) func(*sts.AssumeRoleInput) {
		return func(in *sts.AssumeRoleInput) { in.DurationSeconds = &seconds }
	}
	for _, seconds := range []int32{899, 3601} {
		_, err := c.assume(admin, arn, lasting(seconds))
		require.Equal(t, "ValidationError", code(err), "%d seconds", seconds)
	}
	c.caller(devAccount, ireland).form("iam", "UpdateRole", "RoleName=r", "MaxSessionDuration=7200").ok(t)
	assumed, err := c.assume(admin, arn, lasting(7200))
	require.NoError(t, err)
	_, err = c.assume(assumed, arn, lasting(3601))
	require.ErrorContains(t, err, "1 hour session limit for roles assumed by role chaining")
}

func TestAKeyOfASessionNeedsItsToken(t *testing.T) {
	c := newCloud(t)
	arn := c.role(devAccount, "r", fmt.Sprintf(trustAccount, devAccount), "")
	assumed, err := c.assume(c.as(devAccount, ireland), arn)
	require.NoError(t, err)
	session, err := assumed.Credentials.Retrieve(ctx)
	require.NoError(t, err)
	try := func(key, secret, token string) string {
		_, err := sts.NewFromConfig(c.with(credentials.NewStaticCredentialsProvider(key, secret, token), ireland)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		return code(err)
	}
	assert.Equal(t, "InvalidClientTokenId", try(session.AccessKeyID, session.SecretAccessKey, ""))
	assert.Equal(t, "InvalidClientTokenId", try(session.AccessKeyID, session.SecretAccessKey, "x"+session.SessionToken))
	assert.Equal(t, "SignatureDoesNotMatch", try(session.AccessKeyID, "x"+session.SecretAccessKey, session.SessionToken))
	assert.Equal(t, "InvalidClientTokenId", try("AKIAUNKNOWN", "secret", ""))
}

func TestSessionsOfADeletedRoleHaveNoPermissions(t *testing.T) {
	c := newCloud(t)
	everything := `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	arn := c.role(devAccount, "r", fmt.Sprintf(trustAccount, devAccount), everything)
	assumed, err := c.assume(c.as(devAccount, ireland), arn)
	require.NoError(t, err)
	admin := c.caller(devAccount, ireland)
	require.Equal(t, "DeleteConflict", admin.form("iam", "DeleteRole", "RoleName=r").code())
	admin.form("iam", "DeleteRolePolicy", "RoleName=r", "PolicyName=p").ok(t)
	admin.form("iam", "DeleteRole", "RoleName=r").ok(t)
	c.role(devAccount, "r", fmt.Sprintf(trustAccount, devAccount), everything)
	_, err = ssm.NewFromConfig(assumed).DescribeParameters(ctx, &ssm.DescribeParametersInput{})
	require.Equal(t, "AccessDeniedException", code(err), "another role of the same name is another role")
}

func TestAttachedPoliciesGrant(t *testing.T) {
	c := newCloud(t)
	arn := c.role(devAccount, "reader", fmt.Sprintf(trustAccount, devAccount), "")
	assumed, err := c.assume(c.as(devAccount, ireland), arn)
	require.NoError(t, err)
	list := func() error { _, err := s3.NewFromConfig(assumed).ListBuckets(ctx, &s3.ListBucketsInput{}); return err }
	require.Equal(t, "AccessDenied", code(list()))
	admin := c.caller(devAccount, ireland)
	admin.form("iam", "AttachRolePolicy", "RoleName=reader", "PolicyArn=arn:aws:iam::aws:policy/ReadOnlyAccess").ok(t)
	require.NoError(t, list())
	_, err = ssm.NewFromConfig(assumed).PutParameter(ctx, &ssm.PutParameterInput{Name: aws.String("/x"), Value: aws.String("v"), Type: "String"})
	require.Equal(t, "AccessDeniedException", code(err))
	admin.form("iam", "CreatePolicy", "PolicyName=none", `PolicyDocument={"Statement":{"Effect":"Allow","Action":"ecr:*","Resource":"*"}}`).ok(t)
	admin.form("iam", "PutRolePermissionsBoundary", "RoleName=reader", "PermissionsBoundary=arn:aws:iam::111111111111:policy/none").ok(t)
	require.Equal(t, "AccessDenied", code(list()), "the boundary denies what the policy grants")
	require.Equal(t, "NoSuchEntity", admin.form("iam", "AttachRolePolicy", "RoleName=reader", "PolicyArn=arn:aws:iam::222222222222:policy/none").code())
	require.Equal(t, "NoSuchEntity", c.caller(prodAccount, ireland).form("iam", "DeletePolicy", "PolicyArn=arn:aws:iam::111111111111:policy/none").code())
}

func TestMalformedRolesAreRefused(t *testing.T) {
	admin := newCloud(t).caller(devAccount, ireland)
	for trust, want := range map[string]string{
		`{`: "MalformedPolicyDocument",
		`{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}`:                                "MalformedPolicyDocument",
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}}`: "MalformedPolicyDocument",
	} {
		require.Equal(t, want, admin.form("iam", "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trust).code(), trust)
	}
	trust := "AssumeRolePolicyDocument=" + fmt.Sprintf(trustAccount, devAccount)
	require.Equal(t, "ValidationError", admin.form("iam", "CreateRole", "RoleName=a/b", trust).code())
	admin.form("iam", "CreateRole", "RoleName=r", trust).ok(t)
	require.Equal(t, "EntityAlreadyExists", admin.form("iam", "CreateRole", "RoleName=r", trust).code())
	require.Equal(t, "NoSuchEntity", admin.form("iam", "GetRole", "RoleName=missing").code())
}

// token is a web identity token without a valid signature.
func token(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".signature"
}

func TestAWebIdentityIsExchangedForASession(t *testing.T) {
	c := newCloud(t)
	c.caller(devAccount, ireland).form("iam", "CreateOpenIDConnectProvider", "Url=https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", "ClientIDList.member.1=sts.amazonaws.com").ok(t)
	arn := c.role(devAccount, "irsa", `{"Statement":{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111111111111:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"},
		"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub":"system:serviceaccount:argo:builder",
		"oidc.eks.eu-west-1.amazonaws.com/id/ABC:aud":"sts.amazonaws.com"}}}}`, "")
	exchange := func(issuer, subject, audience string) (*sts.AssumeRoleWithWebIdentityOutput, error) {
		anonymous := sts.NewFromConfig(c.with(aws.AnonymousCredentials{}, ireland))
		return anonymous.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: &arn, RoleSessionName: aws.String("pod"), WebIdentityToken: aws.String(token(fmt.Sprintf(`{"iss":%q,"sub":%q,"aud":[%q]}`, issuer, subject, audience))),
		})
	}
	const issuer, subject, audience = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", "system:serviceaccount:argo:builder", "sts.amazonaws.com"
	out, err := exchange(issuer, subject, audience)
	require.NoError(t, err)
	who, err := sts.NewFromConfig(c.with(provider(out.Credentials), ireland)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sts::111111111111:assumed-role/irsa/pod", *who.Arn)

	_, err = exchange(issuer, "system:serviceaccount:other:builder", audience)
	require.Equal(t, "AccessDenied", code(err))
	_, err = exchange("https://elsewhere", subject, audience)
	require.Equal(t, "InvalidIdentityToken", code(err))
	_, err = exchange(issuer, subject, "other")
	require.Equal(t, "InvalidIdentityToken", code(err))
}

func TestUnsignedCallsAreRefused(t *testing.T) {
	c := newCloud(t)
	send := func(method, path, body string) answer {
		r, err := http.NewRequestWithContext(context.Background(), method, c.URL()+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return do(t, r)
	}
	assert.Equal(t, "MissingAuthenticationToken", send(http.MethodPost, "/", "Action=GetCallerIdentity").code())
	assert.Equal(t, "AccessDenied", send(http.MethodGet, "/bucket/key", "").code())
	assert.Equal(t, "AccessDenied", send(http.MethodPut, "/bucket", "").code())
	assert.Contains(t, send(http.MethodGet, "/", "").body, "AphexPipeline AWS simulator")
}

// TestASessionPolicyLimitsWhatCloudControlReads has Cloud Control read a role with the permissions of its caller.
func TestASessionPolicyLimitsWhatCloudControlReads(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	arn := c.role(devAccount, "reader", fmt.Sprintf(trustAccount, devAccount), `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	narrowed := func(actions string) func(*sts.AssumeRoleInput) {
		return func(in *sts.AssumeRoleInput) {
			in.Policy = aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}}`)
		}
	}
	for actions, code := range map[string]string{
		`"cloudformation:GetResource"`: "AccessDenied",
		`["cloudformation:GetResource","iam:GetRole","iam:ListAttachedRolePolicies","iam:ListRolePolicies","iam:GetRolePolicy"]`: "ResourceNotFound",
	} {
		cfg, err := c.assume(c.as(devAccount, ireland), arn, narrowed(actions))
		require.NoError(t, err)
		reader := c.caller(devAccount, ireland)
		reader.key, err = cfg.Credentials.Retrieve(ctx)
		require.NoError(t, err)
		found := reader.json("cloudcontrolapi", "CloudApiService.GetResource", map[string]any{"TypeName": "AWS::IAM::Role", "Identifier": "none"})
		assert.Contains(t, found.body, code, actions)
	}
	for count, accepted := range map[int]bool{1900: true, 2048: false} {
		_, err := c.assume(c.as(devAccount, ireland), arn, narrowed(`"ssm:`+strings.Repeat("a", count)+`"`))
		assert.Equal(t, accepted, err == nil, "%d: %v", count, err)
	}
}
