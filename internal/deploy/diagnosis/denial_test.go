package diagnosis_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/diagnosis"
)

func TestADeniedCallIsTakenApart(t *testing.T) {
	const role = "arn:aws:sts::111111111111:assumed-role/cdk-hnb659fds-cfn-exec-role-111111111111-eu-west-1/AWSCloudFormation"
	for reason, want := range map[string]diagnosis.Denial{
		`Resource handler returned message: "User: ` + role + ` is not authorized to perform: sqs:CreateQueue on resource: arn:aws:sqs:eu-west-1:111111111111:orders because no identity-based policy allows the sqs:CreateQueue action (Service: Sqs, Status Code: 403)"`: {
			Principal: role, Action: "sqs:CreateQueue", Resource: "arn:aws:sqs:eu-west-1:111111111111:orders", Because: "no identity-based policy allows the sqs:CreateQueue action",
		},
		"API: iam:CreateRole User: arn:aws:iam::111111111111:user/ann is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::111111111111:role/x with an explicit deny in a service control policy": {
			Principal: "arn:aws:iam::111111111111:user/ann", Action: "iam:CreateRole", Resource: "arn:aws:iam::111111111111:role/x", Because: "an explicit deny in a service control policy",
		},
		"User: arn:aws:iam::111111111111:role/path/ops is not authorized to perform: ec2:CreateVpc.":                                              {Principal: "arn:aws:iam::111111111111:role/path/ops", Action: "ec2:CreateVpc", Resource: "*"},
		`User: x is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::b/k" because no resource-based policy allows it; see more`: {Principal: "x", Action: "s3:PutObject", Resource: "arn:aws:s3:::b/k", Because: "no resource-based policy allows it"},
	} {
		got, is := diagnosis.ParseDenial(reason)
		require.True(t, is, reason)
		assert.Equal(t, want, got)
	}
	_, is := diagnosis.ParseDenial("Access Denied (Service: S3)")
	assert.False(t, is, "nobody and nothing is named")
}

func TestADenialSaysWhichStatementWouldAllowTheCallWhereOneCan(t *testing.T) {
	d := diagnosis.Denial{Principal: "arn:aws:sts::111111111111:assumed-role/cdk-x-cfn-exec-role-1/AWSCloudFormation", Action: "sqs:CreateQueue", Resource: "arn:aws:sqs:eu-west-1:1:q"}
	assert.Equal(t, []string{
		"role cdk-x-cfn-exec-role-1 may not call sqs:CreateQueue on arn:aws:sqs:eu-west-1:1:q",
		`to allow it, add this to a policy of cdk bootstrap --cloudformation-execution-policies: {"Effect":"Allow","Action":"sqs:CreateQueue","Resource":"arn:aws:sqs:eu-west-1:1:q"}`,
	}, d.Lines())
	for _, because := range []string{"an explicit deny in an identity-based policy", "no service control policy allows it", "no permissions boundary allows it", "no resource-based policy allows it"} {
		d.Because = because
		assert.Empty(t, d.Statement(), because)
		assert.Contains(t, d.Lines()[1], "does not help", because)
	}
	d = diagnosis.Denial{Principal: "arn:aws:iam::1:role/path/ops", Action: "a:B", Resource: "*"}
	assert.Contains(t, d.Lines()[1], "the policies of role ops: ")
}

func TestNoStatementIsAdvisedForADenialThatAWSDoesNotWrite(t *testing.T) {
	d, is := diagnosis.ParseDenial("User: arn:aws:sts::111111111111:assumed-role/cdk-x-cfn-exec-role-1/AWSCloudFormation is not authorized to perform: iam:* on resource: *")
	require.True(t, is)
	assert.Empty(t, d.Statement(), "a custom resource may write anything as its reason")
	for _, line := range d.Lines() {
		assert.NotContains(t, line, "Allow")
	}
}

func FuzzParseDenial(f *testing.F) {
	f.Add("User: a is not authorized to perform: b:C on resource: d because e")
	f.Fuzz(func(t *testing.T, reason string) {
		if d, is := diagnosis.ParseDenial(reason); is && (d.Principal == "" || d.Action == "" || d.Resource == "" || len(d.Lines()) != 2) {
			t.Errorf("%q: %+v", reason, d)
		}
	})
}
