package diff_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
)

func read(t *testing.T, resources string) diff.Template {
	t.Helper()
	template, err := diff.Parse([]byte(`{"Resources":{` + resources + `}}`))
	require.NoError(t, err)
	return template
}

func policy(statements string) string {
	return fmt.Sprintf(`"P":{"Type":"AWS::IAM::Policy","Properties":{"Roles":[{"Ref":"Role"}],"PolicyDocument":{"Statement":[%s]}}}`, statements)
}

func group(rules string) string {
	return fmt.Sprintf(`"G":{"Type":"AWS::EC2::SecurityGroup","Properties":{"SecurityGroupEgress":[{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"CidrIp":"10.0.0.0/8"}],"SecurityGroupIngress":[%s]}}`, rules)
}

func permissionSet(properties string) string {
	return `"Sso":{"Type":"AWS::SSO::PermissionSet","Properties":{` + properties + `}}`
}

func bucket(properties string) string {
	return `"B":{"Type":"AWS::S3::Bucket","Properties":{` + properties + `}}`
}

const (
	role    = `"Role":{"Type":"AWS::IAM::Role","Properties":{}}`
	reading = `{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":{"Fn::GetAtt":["Bucket","Arn"]}}`
)

func TestBroaderPermissionsAreReported(t *testing.T) {
	cases := map[string]struct{ before, after, text string }{
		"a new policy": {role, role + "," + policy(reading), "${Role} may s3:GetObject, s3:ListBucket on ${Bucket.Arn}"},
		"an action more": {
			policy(reading), policy(`{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":{"Fn::GetAtt":["Bucket","Arn"]}}`),
			"${Role} may s3:PutObject on ${Bucket.Arn}",
		},
		"a resource more": {
			policy(reading), policy(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`), "${Role} may s3:GetObject on *",
		},
		"a condition less": {
			policy(`{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"Bool":{"x":"true"}}}`), policy(`{"Effect":"Allow","Action":"a:B","Resource":"*"}`),
			"${Role} may a:B on *",
		},
		"another condition": {
			policy(`{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"Bool":{"x":"true"}}}`), policy(`{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"Bool":{"y":"true"}}}`),
			`${Role} may a:B on * if {"Bool":{"y":"true"}}`,
		},
		"a denial less": {
			role + "," + policy(`{"Effect":"Deny","Action":"s3:*","Resource":"*"}`), role, "no longer denied: ${Role} may s3:* on *",
		},
		"everything but": {role, role + "," + policy(`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`), `${Role} may not ["iam:*"] on *`},
		"a role that more may assume": {
			role, `"Role":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"222222222222"}}]}}}`,
			"222222222222 may assume ${Role} (sts:AssumeRole)",
		},
		"a managed policy": {
			role, `"Role":{"Type":"AWS::IAM::Role","Properties":{"ManagedPolicyArns":[{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":iam::aws:policy/AdministratorAccess"]]}]}}`,
			"${Role} has the policy arn:${AWS::Partition}:iam::aws:policy/AdministratorAccess",
		},
		"a boundary less": {
			`"Role":{"Type":"AWS::IAM::Role","Properties":{"PermissionsBoundary":"arn:b"}}`, role, "${Role} has no permissions boundary",
		},
		"another boundary": {
			`"Role":{"Type":"AWS::IAM::Role","Properties":{"PermissionsBoundary":"arn:a"}}`, `"Role":{"Type":"AWS::IAM::Role","Properties":{"PermissionsBoundary":"arn:b"}}`,
			"${Role} has another permissions boundary: arn:b",
		},
		"a permission set's policy of AWS": {
			permissionSet(``), permissionSet(`"ManagedPolicies":["arn:aws:iam::aws:policy/AdministratorAccess"]`), "${Sso} has the policy arn:aws:iam::aws:policy/AdministratorAccess",
		},
		"a permission set's policy of the account": {
			permissionSet(``), permissionSet(`"CustomerManagedPolicyReferences":[{"Name":"AdminLike","Path":"/ops/"}]`), "${Sso} has the policy /ops/AdminLike",
		},
		"a permission set's own policy": {
			permissionSet(``), permissionSet(`"InlinePolicy":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`), "${Sso} may * on *",
		},
		"a policy as text": {
			permissionSet(``), permissionSet(`"InlinePolicy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}"`), "${Sso} may * on *",
		},
		"a permission set's boundary less": {
			permissionSet(`"PermissionsBoundary":{"ManagedPolicyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"}`), permissionSet(``), "${Sso} has no permissions boundary",
		},
		"a user that joins a group": {
			`"U":{"Type":"AWS::IAM::User"}`, `"U":{"Type":"AWS::IAM::User","Properties":{"Groups":[{"Ref":"Group"}]}}`, "${U} is in the group ${Group}",
		},
		"a user that is put into a group": {
			"", `"A":{"Type":"AWS::IAM::UserToGroupAddition","Properties":{"GroupName":{"Ref":"Group"},"Users":["ops"]}}`, "ops is in the group ${Group}",
		},
		"a function's URL without authentication": {
			`"L":{"Type":"AWS::Lambda::Url","Properties":{"AuthType":"AWS_IAM","TargetFunctionArn":{"Ref":"F"}}}`,
			`"L":{"Type":"AWS::Lambda::Url","Properties":{"AuthType":"NONE","TargetFunctionArn":{"Ref":"F"}}}`, "everyone may call the URL of ${F} without signing in",
		},
		"a block of public access less": {
			bucket(`"PublicAccessBlockConfiguration":{"BlockPublicAcls":true,"BlockPublicPolicy":true,"IgnorePublicAcls":"true","RestrictPublicBuckets":true}`), bucket(``),
			"${B} does not block public access by BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets",
		},
		"one part of it less": {
			bucket(`"PublicAccessBlockConfiguration":{"BlockPublicAcls":true,"BlockPublicPolicy":true}`), bucket(`"PublicAccessBlockConfiguration":{"BlockPublicAcls":true,"BlockPublicPolicy":false}`),
			"${B} does not block public access by BlockPublicPolicy",
		},
		"a new bucket without a part of it": {
			"", bucket(`"PublicAccessBlockConfiguration":{"BlockPublicAcls":false}`), "${B} does not block public access by BlockPublicAcls",
		},
		"a list of access for everyone": {bucket(``), bucket(`"AccessControl":"PublicRead"`), "${B} has the access control list PublicRead"},
		"a policy for another role": {
			policy(reading), `"P":{"Type":"AWS::IAM::Policy","Properties":{"Roles":[{"Ref":"Other"}],"PolicyDocument":{"Statement":[` + reading + `]}}}`,
			"${Other} may s3:GetObject, s3:ListBucket on ${Bucket.Arn}",
		},
		"a bucket that all may read": {
			"", `"B":{"Type":"AWS::S3::BucketPolicy","Properties":{"Bucket":{"Ref":"Bucket"},"PolicyDocument":{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Principal":"*","Resource":"*"}}}}`,
			"* may s3:GetObject on ${Bucket}",
		},
		"a bucket that need not be read over TLS": {
			`"Bucket":{"Type":"AWS::S3::Bucket"},"B":{"Type":"AWS::S3::BucketPolicy","Properties":{"Bucket":{"Ref":"Bucket"},"PolicyDocument":{"Statement":{"Effect":"Deny","Action":"s3:*","Principal":"*","Resource":"*"}}}}`,
			`"Bucket":{"Type":"AWS::S3::Bucket"}`, "no longer denied: * may s3:* on ${Bucket}",
		},
		"a key's policy": {
			`"K":{"Type":"AWS::KMS::Key","Properties":{}}`,
			`"K":{"Type":"AWS::KMS::Key","Properties":{"KeyPolicy":{"Statement":[{"Effect":"Allow","Action":"kms:*","Principal":{"AWS":"222222222222"},"Resource":"*"}]}}}`,
			"222222222222 may kms:* on ${K}",
		},
		"a permission of a function": {
			"", `"L":{"Type":"AWS::Lambda::Permission","Properties":{"Action":"lambda:InvokeFunction","FunctionName":{"Ref":"F"},"Principal":"s3.amazonaws.com","SourceArn":"arn:b"}}`,
			`s3.amazonaws.com may lambda:InvokeFunction on ${F} if {"SourceArn":"arn:b"}`,
		},
		"a statement behind a condition": {
			role, role + "," + policy(`{"Fn::If":["Big",1,2]}`), `${Role} gets a statement that only CloudFormation can resolve: {"Fn::If":["Big",1,2]}`,
		},
		"a rule more": {
			group(``), group(`{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"CidrIp":"0.0.0.0/0"}`), "${G} allows ingress of tcp 22 from 0.0.0.0/0",
		},
		"a wider network": {
			group(`{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"CidrIp":"10.1.0.0/16"}`), group(`{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"CidrIp":"10.0.0.0/8"}`),
			"${G} allows ingress of tcp 22 from 10.0.0.0/8",
		},
		"more ports": {
			group(`{"IpProtocol":"tcp","FromPort":80,"ToPort":80,"CidrIpv6":"::/0"}`), group(`{"IpProtocol":"tcp","FromPort":80,"ToPort":90,"CidrIpv6":"::/0"}`),
			"${G} allows ingress of tcp 80 to 90 from ::/0",
		},
		"a rule of its own": {
			group(``), group(``) + `,"I":{"Type":"AWS::EC2::SecurityGroupIngress","Properties":{"GroupId":{"Fn::GetAtt":["G","GroupId"]},"IpProtocol":"-1","SourceSecurityGroupId":{"Fn::GetAtt":["H","GroupId"]}}}`,
			"${G} allows ingress of everything from ${H.GroupId}",
		},
		"a group that says nothing of egress": {
			group(``), `"G":{"Type":"AWS::EC2::SecurityGroup","Properties":{}}`, "${G} allows egress of everything to 0.0.0.0/0",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			found := diff.Broadenings(read(t, c.before), read(t, c.after))
			require.Len(t, found, 1)
			assert.Equal(t, c.text, found[0].Text)
			assert.NotEmpty(t, found[0].LogicalID)
			assert.Empty(t, diff.Broadenings(read(t, c.after), read(t, c.after)), "nothing changes, nothing broadens")
		})
	}
}

func TestUnchangedAndNarrowerPermissionsAreNotReported(t *testing.T) {
	cases := map[string]struct{ before, after string }{
		"an action less":                    {policy(reading), policy(`{"Effect":"Allow","Action":"s3:GetObject","Resource":{"Fn::GetAtt":["Bucket","Arn"]}}`)},
		"a narrower action":                 {policy(`{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}`), policy(`{"Effect":"Allow","Action":"S3:getObject","Resource":"arn:aws:s3:::b/*"}`)},
		"a condition more":                  {policy(`{"Effect":"Allow","Action":"a:B","Resource":"*"}`), policy(`{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"Bool":{"x":"true"}}}`)},
		"a denial more":                     {role, role + "," + policy(`{"Effect":"Deny","Action":"*","Resource":"*"}`)},
		"a role that goes with its denials": {role + "," + policy(`{"Effect":"Deny","Action":"*","Resource":"*"}`), ""},
		"the same in another place": {
			`"Role":{"Type":"AWS::IAM::Role","Properties":{"Policies":[{"PolicyName":"p","PolicyDocument":{"Statement":[` + reading + `]}}]}}`,
			role + "," + policy(reading),
		},
		"a new role that may nothing": {"", role},
		"a new role with a boundary":  {"", `"Role":{"Type":"AWS::IAM::Role","Properties":{"PermissionsBoundary":"arn:b"}}`},
		"a boundary more":             {role, `"Role":{"Type":"AWS::IAM::Role","Properties":{"PermissionsBoundary":"arn:b"}}`},
		"a new bucket":                {"", bucket(``)},
		"a block that says what was":  {bucket(``), bucket(`"PublicAccessBlockConfiguration":{"BlockPublicAcls":false}`)},
		"a function's URL with signatures": {
			"", `"L":{"Type":"AWS::Lambda::Url","Properties":{"AuthType":"AWS_IAM","TargetFunctionArn":{"Ref":"F"}}}`,
		},
		"a narrower network": {
			group(`{"IpProtocol":"-1","CidrIp":"0.0.0.0/0"}`), group(`{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"CidrIp":"10.0.0.0/8"}`),
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			assert.Empty(t, diff.Broadenings(read(t, c.before), read(t, c.after)))
		})
	}
}

func TestPropertiesAreComparedOneByOne(t *testing.T) {
	before := read(t, `"Q":{"Type":"AWS::SQS::Queue","Properties":{"Delay":1,"Redrive":{"max":3,"to":{"Ref":"A"}},"Tags":[{"Key":"a","Value":"1"}],"Gone":true}}`)
	after := read(t, `"Q":{"Type":"AWS::SQS::Queue","Properties":{"Delay":2,"Redrive":{"max":3,"to":{"Fn::GetAtt":["B","Arn"]}},"Tags":[{"Key":"a","Value":"2"}],"More":["x"]}}`)
	assert.Equal(t, []diff.Change{
		{Path: "Delay", Before: "1", After: "2"},
		{Path: "Gone", Before: "true"},
		{Path: "More", After: `["x"]`},
		{Path: "Redrive.to", Before: "${A}", After: "${B.Arn}"},
		{Path: "Tags[0].Value", Before: "1", After: "2"},
	}, diff.Properties(before.Resources["Q"], after.Resources["Q"]))
	assert.Empty(t, diff.Properties(diff.Resource{}, diff.Resource{Properties: map[string]any{}}))
}

func TestATemplateIsReadAsYAMLToo(t *testing.T) {
	template, err := diff.Parse([]byte("Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {Delay: 1}\n"))
	require.NoError(t, err)
	assert.Equal(t, "AWS::SQS::Queue", template.Resources["Q"].Type)
	template, err = diff.Parse([]byte("  "))
	require.NoError(t, err)
	assert.Empty(t, template.Resources)
	for _, wrong := range []string{"Resources: [", "just a text", "Resources: 7"} {
		_, err = diff.Parse([]byte(wrong))
		assert.Error(t, err, wrong)
	}
}

func FuzzBroadenings(f *testing.F) {
	f.Add(`{"Resources":{`+policy(reading)+`}}`, `{"Resources":{`+group(`{"IpProtocol":"tcp","FromPort":"x","CidrIp":7}`)+`}}`)
	f.Add(`{"Resources":{"P":{"Type":"AWS::IAM::Policy","Properties":{"PolicyDocument":{"Statement":[7,null,{"Effect":"Allow","Principal":[1]}]}}}}}`, "")
	f.Fuzz(func(t *testing.T, before, after string) {
		one, err := diff.Parse([]byte(before))
		other, alsoErr := diff.Parse([]byte(after))
		if err == nil && alsoErr == nil {
			diff.Broadenings(one, other)
			assert.Empty(t, diff.Broadenings(other, other))
		}
	})
}
