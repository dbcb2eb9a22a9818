package awssim_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lookupApp has a stack with resources and, once that is deployed, one that looks them up.
const lookupApp = `const cdk = require('aws-cdk-lib');
const { aws_ec2: ec2, aws_elasticloadbalancingv2: elb, aws_route53: route53, aws_kms: kms, aws_ssm: ssm, aws_rds: rds } = cdk;
const app = new cdk.App();
const env = { account: '111111111111', region: 'eu-west-1' };
if (!process.env.LOOK) {
  const base = new cdk.Stack(app, 'Base', { env });
  const vpc = new ec2.Vpc(base, 'Vpc', { vpcName: 'shop', natGateways: 1 });
  const group = new ec2.SecurityGroup(base, 'Group', { vpc, securityGroupName: 'web', allowAllOutbound: false });
  const balancer = new elb.ApplicationLoadBalancer(base, 'Balancer', { vpc, internetFacing: true, securityGroup: group });
  cdk.Tags.of(balancer).add('role', 'front');
  balancer.addListener('Http', { port: 80, defaultAction: elb.ListenerAction.fixedResponse(200) });
  new route53.PublicHostedZone(base, 'Zone', { zoneName: 'example.com' });
  new route53.PrivateHostedZone(base, 'Inside', { zoneName: 'inside.example.com', vpc });
  new kms.Key(base, 'Key', { alias: 'alias/shop' });
  new ec2.KeyPair(base, 'Pair', { keyPairName: 'shop' });
  new cdk.CfnOutput(base, 'Vpc2', { value: vpc.vpcId });
  new cdk.CfnOutput(base, 'Group2', { value: group.securityGroupId });
} else {
  const user = new cdk.Stack(app, 'User', { env });
  const show = (name, value) => new cdk.CfnOutput(user, 'Out' + name, { value: String(value) });
  const vpc = ec2.Vpc.fromLookup(user, 'Vpc', { vpcName: 'shop' });
  show('VpcId', vpc.vpcId);
  show('Subnets', [vpc.publicSubnets.length, vpc.privateSubnets.length, vpc.availabilityZones.join(' ')].join('/'));
  const home = ec2.Vpc.fromLookup(user, 'Home', { isDefault: true });
  show('Home', [home.publicSubnets.length, home.privateSubnets.length, home.vpcCidrBlock].join('/'));
  show('GroupId', ec2.SecurityGroup.fromLookupByName(user, 'Group', 'web', vpc).securityGroupId);
  const balancer = elb.ApplicationLoadBalancer.fromLookup(user, 'Balancer', { loadBalancerTags: { role: 'front' } });
  show('BalancerVpc', balancer.vpc.vpcId);
  show('Listener', elb.ApplicationListener.fromLookup(user, 'Listener', { loadBalancerTags: { role: 'front' }, listenerPort: 80 }).listenerArn);
  show('Zone', route53.HostedZone.fromLookup(user, 'Zone', { domainName: 'example.com' }).hostedZoneId);
  show('Inside', route53.HostedZone.fromLookup(user, 'Inside', { domainName: 'inside.example.com', privateZone: true, vpcId: process.env.LOOK }).hostedZoneId);
  show('Key', kms.Key.fromLookup(user, 'Key', { aliasName: 'alias/shop' }).keyId);
  show('Image', ec2.MachineImage.lookup({ name: 'al2023-ami-*-x86_64', owners: ['amazon'] }).getImage(user).imageId);
  show('Latest', ec2.MachineImage.latestAmazonLinux2023({ cachedInContext: true }).getImage(user).imageId);
  show('Setting', ssm.StringParameter.valueFromLookup(user, '/shop/setting'));
  const own = new ec2.Vpc(user, 'Own', { maxAzs: 3, natGateways: 0 });
  own.addInterfaceEndpoint('Sqs', { service: ec2.InterfaceVpcEndpointAwsService.SQS, lookupSupportedAzs: true });
}
`

// TestTheCDKLooksUpWhatIsDeployed runs the context providers of the real CDK CLI on a deployed stack.
func TestTheCDKLooksUpWhatIsDeployed(t *testing.T) {
	t.Parallel()
	c, _ := ready(t, "", devAccount)
	_, err := c.ssm(devAccount, ireland).PutParameter(ctx, &ssm.PutParameterInput{Name: aws.String("/shop/setting"), Value: aws.String("on"), Type: "String"})
	require.NoError(t, err)
	dir := t.TempDir()
	for name, text := range map[string]string{"app.js": lookupApp, "cdk.json": `{"app":"node app.js"}`} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	deploy := func(stack, look string) map[string]string {
		printed, err := c.cdkWith([]string{"LOOK=" + look}, dir, devAccount, ireland, "deploy", "--require-approval", "never", "--outputs-file", "outputs.json")
		require.NoError(t, err, printed)
		return readOutputs(t, filepath.Join(dir, "outputs.json"))[stack]
	}
	base := deploy("Base", "")
	found := deploy("User", base["Vpc2"])
	assert.Empty(t, c.Unknown())

	assert.Equal(t, base["Vpc2"], found["OutVpcId"])
	assert.Equal(t, "3/3/eu-west-1a eu-west-1b eu-west-1c", found["OutSubnets"])
	assert.Equal(t, "3/0/172.31.0.0/16", found["OutHome"])
	assert.Equal(t, base["Group2"], found["OutGroupId"])
	assert.Equal(t, base["Vpc2"], found["OutBalancerVpc"])
	assert.Regexp(t, `^arn:aws:elasticloadbalancing:eu-west-1:111111111111:listener/`, found["OutListener"])
	for _, id := range []string{found["OutZone"], found["OutInside"]} {
		assert.Regexp(t, `^Z[0-9A-Z]+$`, id)
	}
	assert.NotEqual(t, found["OutZone"], found["OutInside"])
	assert.Regexp(t, `^[0-9a-f-]{36}$`, found["OutKey"])
	for _, id := range []string{found["OutImage"], found["OutLatest"]} {
		assert.Regexp(t, `^ami-[0-9a-f]{17}$`, id)
	}
	assert.Equal(t, "on", found["OutSetting"])
}

func TestTheAWSCLILooksUpWhatIsDeployed(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	template := filepath.Join(t.TempDir(), "t.json")
	require.NoError(t, os.WriteFile(template, []byte(`{"Resources":{
		"Vpc":{"Type":"AWS::EC2::VPC","Properties":{"CidrBlock":"10.0.0.0/16","Tags":[{"Key":"Name","Value":"a b"}]}},
		"Queue":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"orders"}},
		"Key":{"Type":"AWS::KMS::Key","Properties":{}},
		"Alias":{"Type":"AWS::KMS::Alias","Properties":{"AliasName":"alias/a","TargetKeyId":{"Ref":"Key"}}}}}`), 0o600))
	printed, err := c.aws(devAccount, ireland, "cloudformation", "deploy", "--stack-name", "S", "--template-file", template)
	require.NoError(t, err, printed)

	text := func(args ...string) string { return c.awsOK(append(args, "--output", "text")...) }
	vpc := text("ec2", "describe-vpcs", "--filters", "Name=tag:Name,Values=a*", "--query", "Vpcs[].VpcId")
	assert.Regexp(t, `^vpc-[0-9a-f]{17}$`, vpc)
	assert.Equal(t, "True", text("ec2", "describe-route-tables", "--filters", "Name=vpc-id,Values="+vpc, "--query", "RouteTables[].Associations[].Main"))
	assert.Equal(t, "default", text("ec2", "describe-security-groups", "--filters", "Name=vpc-id,Values="+vpc, "--query", "SecurityGroups[].GroupName"))
	assert.Equal(t, "3", text("ec2", "describe-subnets", "--query", "length(Subnets)"), "of the default network")
	assert.Equal(t, text("kms", "list-aliases", "--query", "Aliases[].TargetKeyId"), text("kms", "describe-key", "--key-id", "alias/a", "--query", "KeyMetadata.KeyId"))
	assert.Contains(t, text("cloudcontrol", "list-resources", "--type-name", "AWS::SQS::Queue", "--query", "ResourceDescriptions[].Properties"), `"QueueName":"orders"`)

	for want, args := range map[string][]string{
		"The filter 'ipv6-pool' is invalid":          {"ec2", "describe-vpcs", "--filters", "Name=ipv6-pool,Values=x"},
		"InvalidVpcID.NotFound":                      {"ec2", "describe-vpcs", "--vpc-ids", "vpc-0123"},
		"InvalidGroupID.NotFound":                    {"ec2", "describe-security-groups", "--group-ids", "sg-0123"},
		"The Vpc Endpoint Service 'com.x' does":      {"ec2", "describe-vpc-endpoint-services", "--service-names", "com.x"},
		"NotFoundException":                          {"kms", "describe-key", "--key-id", "alias/none"},
		"NoSuchHostedZone":                           {"route53", "get-hosted-zone", "--id", "Z0"},
		"was not found":                              {"cloudcontrol", "get-resource", "--type-name", "AWS::SQS::Queue", "--identifier", "none"},
		"LoadBalancerNotFound":                       {"elbv2", "describe-load-balancers", "--names", "none"},
		"the simulator does not support route53:GET": {"route53", "list-traffic-policies"},
	} {
		printed, err := c.aws(devAccount, ireland, args...)
		assert.Error(t, err, args)
		assert.Contains(t, printed, want, args)
	}
	here, err := c.aws(devAccount, frankfurt, "ec2", "describe-vpcs", "--query", "length(Vpcs)", "--output", "text")
	require.NoError(t, err, here)
	assert.Equal(t, "1", here, "another region has the default network alone")
}
