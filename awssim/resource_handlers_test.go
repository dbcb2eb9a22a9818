package awssim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// formation drives CloudFormation for one stack.
type formation struct {
	*cloudformation.Client
	t    *testing.T
	name *string
}

func (c cloud) formation(from aws.Config, name string) formation {
	return formation{cloudformation.NewFromConfig(from), c.t, &name}
}

func (f formation) create(template string, change ...func(*cloudformation.CreateStackInput)) error {
	input := &cloudformation.CreateStackInput{
		StackName: f.name, TemplateBody: &template, Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
	}
	for _, edit := range change {
		edit(input)
	}
	_, err := f.CreateStack(ctx, input)
	return err
}

func (f formation) update(template string) error {
	_, err := f.UpdateStack(ctx, &cloudformation.UpdateStackInput{
		StackName: f.name, TemplateBody: &template, Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
	})
	return err
}

// settle waits until the stack's operation is over. It looks a stack up by id,
// so that a deleted one is found too.
func (f formation) settle() cfntypes.StackStatus {
	f.t.Helper()
	for range 1000 {
		out, err := f.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: f.name})
		if err != nil {
			return cfntypes.StackStatusDeleteComplete
		}
		if status := out.Stacks[0].StackStatus; !strings.HasSuffix(string(status), "_IN_PROGRESS") {
			return status
		}
		time.Sleep(5 * time.Millisecond)
	}
	require.Fail(f.t, "the stack does not settle")
	return ""
}

// reasons are what the events say about failed resources.
func (f formation) reasons() string {
	f.t.Helper()
	out, err := f.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: f.name})
	require.NoError(f.t, err)
	var texts []string
	for _, event := range out.StackEvents {
		if strings.HasSuffix(string(event.ResourceStatus), "FAILED") {
			texts = append(texts, *event.LogicalResourceId+": "+aws.ToString(event.ResourceStatusReason))
		}
	}
	return strings.Join(texts, "\n")
}

const everyTwin = `{"Resources":{
 "Bucket":{"Type":"AWS::S3::Bucket","Properties":{"BucketName":"twin-bucket","VersioningConfiguration":{"Status":"%[1]s"},
   "BucketEncryption":{"ServerSideEncryptionConfiguration":[{"ServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms"}}]},
   "PublicAccessBlockConfiguration":{"BlockPublicAcls":true,"BlockPublicPolicy":"true"},
   "LifecycleConfiguration":{"Rules":[{"Id":"old","Status":"Enabled","ExpirationInDays":90,"NoncurrentVersionExpiration":{"NoncurrentDays":30}}]}}},
 "BucketPolicy":{"Type":"AWS::S3::BucketPolicy","Properties":{"Bucket":{"Ref":"Bucket"},"PolicyDocument":{"Statement":[
   {"Sid":"%[1]s","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":{"Fn::Sub":"${Bucket.Arn}/*"},"Condition":{"Bool":{"aws:SecureTransport":false}}}]}}},
 "Managed":{"Type":"AWS::IAM::ManagedPolicy","Properties":{"PolicyDocument":{"Statement":{"Sid":"%[1]s","Effect":"Allow","Action":"ecr:*","Resource":"*"}}}},
 "Role":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"twin-role","ManagedPolicyArns":[{"Ref":"Managed"},"arn:aws:iam::aws:policy/ReadOnlyAccess"],
   "AssumeRolePolicyDocument":{"Statement":{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}},
   "Policies":[{"PolicyName":"inside-%[1]s","PolicyDocument":{"Statement":{"Effect":"Allow","Action":"ssm:*","Resource":"*"}}}]}},
 "Policy":{"Type":"AWS::IAM::Policy","Properties":{"PolicyName":"beside-%[1]s","Roles":[{"Ref":"Role"}],
   "PolicyDocument":{"Statement":{"Effect":"Allow","Action":"secretsmanager:*","Resource":"*"}}}},
 "Provider":{"Type":"AWS::IAM::OIDCProvider","Properties":{"Url":"https://issuer.example","ClientIdList":["%[1]s"]}},
 "Parameter":{"Type":"AWS::SSM::Parameter","Properties":{"Name":"/twin","Type":"String","Value":"%[1]s"}},
 "Secret":{"Type":"AWS::SecretsManager::Secret","Properties":{"Name":"twin-secret","Description":"%[1]s","GenerateSecretString":{"PasswordLength":12,"ExcludePunctuation":true}}},
 "Repository":{"Type":"AWS::ECR::Repository","Properties":{"RepositoryName":"twin/images","ImageTagMutability":"%[2]s"}}
},"Outputs":{
 "BucketArn":{"Value":{"Fn::GetAtt":["Bucket","Arn"]}},"RoleArn":{"Value":{"Fn::GetAtt":["Role","Arn"]}},
 "RepositoryUri":{"Value":{"Fn::GetAtt":["Repository","RepositoryUri"]}},"Secret":{"Value":{"Ref":"Secret"}},"Provider":{"Value":{"Ref":"Provider"}}}}`

func TestResourcesOfAStackCanBeUsedThroughTheirServices(t *testing.T) {
	c := newCloud(t)
	f := c.formation(c.as(devAccount, ireland), "twins")
	admin := c.caller(devAccount, ireland)
	require.NoError(t, f.create(fmt.Sprintf(everyTwin, "Enabled", "MUTABLE")))
	require.Equal(t, cfntypes.StackStatusCreateComplete, f.settle(), f.reasons())
	looksLike := func(state, mutability string) {
		versioning, err := c.s3(devAccount, ireland).GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: aws.String("twin-bucket")})
		require.NoError(t, err)
		assert.EqualValues(t, state, versioning.Status)
		policy, err := c.s3(devAccount, ireland).GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String("twin-bucket")})
		require.NoError(t, err)
		assert.Contains(t, *policy.Policy, state)
		parameter, err := c.ssm(devAccount, ireland).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/twin")})
		require.NoError(t, err)
		assert.Equal(t, state, *parameter.Parameter.Value)
		names := admin.form("iam", "ListRolePolicies", "RoleName=twin-role").ok(t)
		assert.Equal(t, 2, strings.Count(names, "<member>"), names)
		assert.Contains(t, names, "inside-"+state)
		assert.Contains(t, names, "beside-"+state)
		assert.Equal(t, 2, strings.Count(admin.form("iam", "ListAttachedRolePolicies", "RoleName=twin-role").ok(t), "<PolicyArn>"))
		assert.Contains(t, admin.form("iam", "GetOpenIDConnectProvider", "OpenIDConnectProviderArn=arn:aws:iam::111111111111:oidc-provider/issuer.example").ok(t), state)
		assert.Contains(t, admin.json("secretsmanager", "secretsmanager.DescribeSecret", map[string]string{"SecretId": "twin-secret"}).ok(t), state)
		assert.Contains(t, admin.json("ecr", "ECR.DescribeRepositories", nil).ok(t), mutability)
	}
	looksLike("Enabled", "MUTABLE")
	secret := admin.json("secretsmanager", "secretsmanager.GetSecretValue", map[string]string{"SecretId": "twin-secret"}).ok(t)
	require.NoError(t, f.update(fmt.Sprintf(everyTwin, "Suspended", "IMMUTABLE")))
	require.Equal(t, cfntypes.StackStatusUpdateComplete, f.settle(), f.reasons())
	looksLike("Suspended", "IMMUTABLE")
	require.Equal(t, secret, admin.json("secretsmanager", "secretsmanager.GetSecretValue", map[string]string{"SecretId": "twin-secret"}).ok(t),
		"a secret whose recipe stays the same stays the same")

	_, err := f.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: f.name})
	require.NoError(t, err)
	require.Equal(t, cfntypes.StackStatusDeleteComplete, f.settle())
	_, err = c.s3(devAccount, ireland).HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("twin-bucket")})
	assert.Equal(t, "NotFound", code(err))
	assert.Equal(t, "NoSuchEntity", admin.form("iam", "GetRole", "RoleName=twin-role").code())
	assert.Equal(t, "ResourceNotFoundException", admin.json("secretsmanager", "secretsmanager.DescribeSecret", map[string]string{"SecretId": "twin-secret"}).code())
	assert.Contains(t, admin.json("ecr", "ECR.DescribeRepositories", nil).ok(t), `"repositories":[]`)
	assert.NotContains(t, admin.form("iam", "ListPolicies", "Scope=Local").ok(t), "twins")
}

const oneBucket = `{"Resources":{"Bucket":{"Type":"AWS::S3::Bucket","Properties":{"BucketName":"%s","Tags":[{"Key":"%s","Value":"true"}]}}}}`

func TestABucketWithObjectsIsDeletedOnlyIfTheCDKEmptiesIt(t *testing.T) {
	c := newCloud(t)
	for tag, want := range map[string]cfntypes.StackStatus{
		"any": cfntypes.StackStatusDeleteFailed, "aws-cdk:auto-delete-objects": cfntypes.StackStatusDeleteComplete,
	} {
		name := strings.ReplaceAll(tag, ":", "-")
		f := c.formation(c.as(devAccount, ireland), name)
		require.NoError(t, f.create(fmt.Sprintf(oneBucket, name, tag)))
		require.Equal(t, cfntypes.StackStatusCreateComplete, f.settle())
		shelf{c.s3(devAccount, ireland), t, &name}.put("k", "v")
		_, err := f.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: f.name})
		require.NoError(t, err)
		require.Equal(t, want, f.settle(), tag)
		if want == cfntypes.StackStatusDeleteFailed {
			assert.Contains(t, f.reasons(), "The bucket you tried to delete is not empty")
		}
	}
}

func TestAnExecutionRoleNeedsItsPermissions(t *testing.T) {
	c := newCloud(t)
	trust := `{"Statement":{"Effect":"Allow","Principal":{"Service":"cloudformation.amazonaws.com"},"Action":"sts:AssumeRole"}}`
	weak := c.role(devAccount, "weak", trust, `{"Statement":{"Effect":"Allow","Action":["s3:DeleteBucket"],"Resource":"*"}}`)
	with := func(role string) func(*cloudformation.CreateStackInput) {
		return func(in *cloudformation.CreateStackInput) { in.RoleARN = &role }
	}
	f := c.formation(c.as(devAccount, ireland), "weak")
	require.NoError(t, f.create(fmt.Sprintf(oneBucket, "some-bucket", "t"), with(weak)))
	require.Equal(t, cfntypes.StackStatusRollbackComplete, f.settle())
	require.Contains(t, f.reasons(), "is not authorized to perform: s3:CreateBucket")

	f = c.formation(c.as(devAccount, ireland), "untrusting")
	err := f.create(fmt.Sprintf(oneBucket, "some-bucket", "t"), with(c.role(devAccount, "untrusting", fmt.Sprintf(trustAccount, devAccount), "")))
	require.ErrorContains(t, err, "is invalid or cannot be assumed")

	caller := c.role(devAccount, "deployer", fmt.Sprintf(trustAccount, devAccount), `{"Statement":{"Effect":"Allow","Action":"cloudformation:*","Resource":"*"}}`)
	assumed, err := c.assume(c.as(devAccount, ireland), caller)
	require.NoError(t, err)
	err = c.formation(assumed, "unpassed").create(fmt.Sprintf(oneBucket, "some-bucket", "t"), with(weak))
	require.ErrorContains(t, err, "is not authorized to perform: iam:PassRole")
	_, err = c.formation(assumed, "x").DescribeStacks(ctx, &cloudformation.DescribeStacksInput{})
	require.NoError(t, err)
	reader := c.role(devAccount, "reader", fmt.Sprintf(trustAccount, devAccount), `{"Statement":{"Effect":"Allow","Action":"cloudformation:Describe*","Resource":"*"}}`)
	assumed, err = c.assume(c.as(devAccount, ireland), reader)
	require.NoError(t, err)
	err = c.formation(assumed, "denied").create(fmt.Sprintf(oneBucket, "some-bucket", "t"))
	require.ErrorContains(t, err, "not authorized to perform: cloudformation:CreateStack on resource: arn:aws:cloudformation:eu-west-1:111111111111:stack/denied/*")
}

func TestATemplateIsReadWithThePermissionsOfTheCaller(t *testing.T) {
	c := newCloud(t)
	s := c.bucket(devAccount, ireland, "templates")
	s.put("t.json", fmt.Sprintf(oneBucket, "from-a-template", "t"))
	from := func(url string) func(*cloudformation.CreateStackInput) {
		return func(in *cloudformation.CreateStackInput) { in.TemplateBody, in.TemplateURL = nil, &url }
	}
	for i, url := range []string{
		"https://templates.s3.eu-west-1.amazonaws.com/t.json", "https://s3.eu-west-1.amazonaws.com/templates/t.json", c.URL() + "/templates/t.json",
	} {
		f := c.formation(c.as(devAccount, ireland), fmt.Sprint("by-url-", i))
		require.NoError(t, f.create("", from(url)), url)
		require.Equal(t, cfntypes.StackStatusCreateComplete, f.settle())
		_, err := f.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: f.name})
		require.NoError(t, err)
		require.Equal(t, cfntypes.StackStatusDeleteComplete, f.settle())
		err = c.formation(c.as(prodAccount, ireland), fmt.Sprint("by-url-", i)).create("", from(url))
		require.ErrorContains(t, err, "S3 error", url)
	}
	err := c.formation(c.as(devAccount, ireland), "by-url").create("", from("https://example.com/t.json"))
	require.Error(t, err)
	err = c.formation(c.as(devAccount, ireland), "by-url").create("", from("https://templates.s3.eu-west-1.amazonaws.com/missing.json"))
	require.ErrorContains(t, err, "S3 error: The specified key does not exist.")
}

func TestTwoStacksCannotCreateTheSameResource(t *testing.T) {
	c := newCloud(t)
	for i, want := range []cfntypes.StackStatus{cfntypes.StackStatusCreateComplete, cfntypes.StackStatusRollbackComplete} {
		f := c.formation(c.as(devAccount, ireland), fmt.Sprint("same-", i))
		require.NoError(t, f.create(`{"Resources":{"P":{"Type":"AWS::SSM::Parameter","Properties":{"Name":"/same","Type":"String","Value":"v"}}}}`))
		require.Equal(t, want, f.settle())
		if i == 1 {
			require.Contains(t, f.reasons(), "AlreadyExists")
		}
	}
	_, err := c.ssm(devAccount, ireland).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/same")})
	require.NoError(t, err, "the failed stack's rollback leaves the other's parameter")
}
