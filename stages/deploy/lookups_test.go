package deploy_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	static "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/command/remote/remotetest"
	"github.com/aphex/aphex-pipeline/stages/deploy"
)

// lookupApp has a stack with resources and, in an environment with LOOK, one that looks them up with every context
// provider, and with each type that aws-cdk-lib looks up through Cloud Control and the simulator deploys.
const lookupApp = `const cdk = require('aws-cdk-lib');
const { aws_ec2: ec2, aws_ecr: ecr, aws_elasticloadbalancingv2: elb, aws_iam: iam, aws_kms: kms, aws_route53: route53, aws_ssm: ssm } = cdk;
const app = new cdk.App();
const env = { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION };
const stack = new cdk.Stack(app, process.env.LOOK ? 'User' : 'Base', { env });
const show = (name, value) => new cdk.CfnOutput(stack, 'Out' + name, { value: String(value) });
if (!process.env.LOOK) {
  const vpc = new ec2.Vpc(stack, 'Vpc', { vpcName: 'shop', natGateways: 1 });
  const group = new ec2.SecurityGroup(stack, 'Group', { vpc, securityGroupName: 'web', allowAllOutbound: false });
  const balancer = new elb.ApplicationLoadBalancer(stack, 'Balancer', { vpc, internetFacing: true, securityGroup: group });
  cdk.Tags.of(balancer).add('role', 'front');
  balancer.addListener('Http', { port: 80, defaultAction: elb.ListenerAction.fixedResponse(200) });
  new route53.PublicHostedZone(stack, 'Zone', { zoneName: 'example.com' });
  new route53.PrivateHostedZone(stack, 'Inside', { zoneName: 'inside.example.com', vpc });
  new kms.Key(stack, 'Key', { alias: 'alias/shop' });
  new ecr.Repository(stack, 'Images', { repositoryName: 'images' });
  new iam.Role(stack, 'Role', { roleName: 'worker', assumedBy: new iam.AccountRootPrincipal() });
  show('VpcId', vpc.vpcId);
} else {
  const vpc = ec2.Vpc.fromLookup(stack, 'Vpc', { vpcName: 'shop' });
  show('VpcId', vpc.vpcId);
  show('Subnets', [vpc.publicSubnets.length, vpc.privateSubnets.length, vpc.availabilityZones.join(' ')].join('/'));
  show('Group', ec2.SecurityGroup.fromLookupByName(stack, 'Group', 'web', vpc).securityGroupId);
  show('Balancer', elb.ApplicationLoadBalancer.fromLookup(stack, 'Balancer', { loadBalancerTags: { role: 'front' } }).vpc.vpcId);
  show('Listener', elb.ApplicationListener.fromLookup(stack, 'Listener', { loadBalancerTags: { role: 'front' }, listenerPort: 80 }).listenerArn);
  show('Zone', route53.HostedZone.fromLookup(stack, 'Zone', { domainName: 'example.com' }).hostedZoneId);
  show('Inside', route53.HostedZone.fromLookup(stack, 'Inside', { domainName: 'inside.example.com', privateZone: true, vpcId: process.env.LOOK }).hostedZoneId);
  show('Key', kms.Key.fromLookup(stack, 'Key', { aliasName: 'alias/shop' }).keyId);
  show('Image', ec2.MachineImage.lookup({ name: 'al2023-ami-*-x86_64', owners: ['amazon'] }).getImage(stack).imageId);
  show('Setting', ssm.StringParameter.valueFromLookup(stack, '/shop/setting'));
  show('Images', ecr.Repository.fromLookup(stack, 'Images', { repositoryName: 'images' }).repositoryArn);
  show('Role', iam.Role.fromLookup(stack, 'Role', { roleName: 'worker' }).roleArn);
  const own = new ec2.Vpc(stack, 'Own', { maxAzs: 3, natGateways: 0 });
  own.addInterfaceEndpoint('Sqs', { service: ec2.InterfaceVpcEndpointAwsService.SQS, lookupSupportedAzs: true });
}
`

// attacks are what delivered code would do with the rights of an account, as commands of the AWS CLI.
var attacks = map[string]string{
	"reads an object":         "s3api get-object --bucket data --key customers.csv /dev/stdout",
	"lists a bucket":          "s3api list-objects-v2 --bucket data",
	"reads a secret":          "secretsmanager get-secret-value --secret-id password",
	"reads a template":        "cloudformation get-template --stack-name CDKToolkit",
	"assumes the deploy role": "sts assume-role --role-session-name attack --role-arn arn:aws:iam::111111111111:role/cdk-hnb659fds-deploy-role-111111111111-eu-west-1",
	"assumes the lookup role": "sts assume-role --role-session-name attack --role-arn arn:aws:iam::111111111111:role/cdk-hnb659fds-lookup-role-111111111111-eu-west-1",
	"writes a parameter":      "ssm put-parameter --name /shop/setting --value off --type String --overwrite",
}

// fillAccount puts data into dev that only its owner may read, and a parameter for the lookups.
func (w *world) fillAccount() {
	w.t.Helper()
	key, url := w.AddAccount(dev), w.URL()
	cfg := aws.Config{Region: "eu-west-1", BaseEndpoint: &url, Credentials: static.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, "")}
	objects := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	_, err := objects.CreateBucket(w.t.Context(), &s3.CreateBucketInput{
		Bucket: aws.String("data"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	})
	require.NoError(w.t, err)
	_, err = objects.PutObject(w.t.Context(), &s3.PutObjectInput{Bucket: aws.String("data"), Key: aws.String("customers.csv"), Body: strings.NewReader("canary")})
	require.NoError(w.t, err)
	_, err = secretsmanager.NewFromConfig(cfg).CreateSecret(w.t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("password"), SecretString: aws.String("canary")})
	require.NoError(w.t, err)
	_, err = ssm.NewFromConfig(cfg).PutParameter(w.t.Context(), &ssm.PutParameterInput{Name: aws.String("/shop/setting"), Value: aws.String("on"), Type: "String"})
	require.NoError(w.t, err)
}

// simulated is a runner whose commands find the simulator.
type simulated struct {
	command.Runner
	url string
}

func (s simulated) Environ() []string { return append(s.Runner.Environ(), "AWS_ENDPOINT_URL="+s.url) }

// attackHooks are hooks that attack, one line of output for each: its name and whether it was denied.
func attackHooks() (hooks []string) {
	for name, attack := range attacks {
		hooks = append(hooks, fmt.Sprintf(`if said=$(aws --endpoint-url "$AWS_ENDPOINT_URL" %s 2>&1); then echo "%s: succeeded"; else case $said in *AccessDenied*|*"not authorized"*) echo "%[2]s: denied";; *) echo "%[2]s: $said";; esac; fi`, attack, name))
	}
	return hooks
}

// TestContextLookupsWorkInASessionThatReadsNothingElse deploys an app with all lookups by the real CDK CLI, with hooks
// that try to do more, in a container of their own. Before, an administrator's commandRoleArn shows that the attacks work.
func TestContextLookupsWorkInASessionThatReadsNothingElse(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("aws"); err != nil {
		t.Fatal("this test needs the AWS CLI: `pip install awscli`")
	}
	w := newWorld(t)
	w.fillAccount()
	w.makeRole(dev, "tests", "word")
	w.write("app.js", lookupApp)
	w.runner = simulated{proc.Runner{}, w.URL()}
	configure := func(stack, look, more string) {
		w.configure(fmt.Sprintf(`
  - name: dev
    account: "111111111111"
    region: eu-west-1
    stacks: [{name: %s}]
    env: {LOOK: "%s"}
%s`, stack, look, more))
	}
	hooks := ""
	for _, line := range attackHooks() {
		hooks += "      - " + fmt.Sprintf("%q", line) + "\n"
	}
	hooks = "    hooks:\n      postDeploy:\n" + strings.ReplaceAll(hooks, "      - ", "        - ")
	outputs := filepath.Join(t.TempDir(), "outputs.json")
	deployed := func(stack string) map[string]string {
		_, err := w.run("dev", func(in *deploy.Input) { in.Lookups, in.NamedOutputsFile = true, outputs })
		require.NoError(t, err, w.log.String()+w.out.String())
		src, err := os.ReadFile(outputs)
		require.NoError(t, err)
		var all map[string]map[string]string
		require.NoError(t, json.Unmarshal(src, &all))
		return all[stack]
	}

	configure("Base", "", hooks+"    commandRoleArn: arn:aws:iam::111111111111:role/tests\n    externalId: word\n")
	vpc := deployed("Base")["OutVpcId"]
	require.NotEmpty(t, vpc)
	for name := range attacks {
		assert.Contains(t, w.out.String(), "\n"+name+": succeeded\n", "the attack works with the rights for it")
	}
	w.out.Reset()

	w.runner = simulated{remotetest.Start(t), w.URL()}
	configure("User", vpc, hooks)
	found := deployed("User")
	for output, want := range map[string]string{
		"OutVpcId": vpc, "OutBalancer": vpc, "OutSubnets": "3/3/eu-west-1a eu-west-1b eu-west-1c", "OutSetting": "off", // as the attack left it
		"OutRole": "arn:aws:iam::111111111111:role/worker", "OutImages": "arn:aws:ecr:eu-west-1:111111111111:repository/images",
	} {
		assert.Equal(t, want, found[output], output)
	}
	for name := range attacks {
		assert.Contains(t, w.out.String(), "\n"+name+": denied\n") // a line of its own: the text of the hook is in the log, too
	}
	assert.NotContains(t, w.out.String(), "canary")
	assert.Empty(t, w.Unknown())
}
