package kinds

var compute = map[string]kind{
	"AWS::Lambda::Function": {
		limit: 64, names: member("functionName", 1, 64, `[a-zA-Z0-9-_]+`),
		attributes: map[string]string{"Arn": "arn:{partition}:lambda:{region}:{account}:function:{id}"},
	},
	"AWS::Lambda::Version": {
		id: "arn:{partition}:lambda:{region}:{account}:function:{last.FunctionName}:1",
		attributes: map[string]string{
			"Version":     "{last}",
			"FunctionArn": "{id}",
		},
	},
	"AWS::Lambda::Alias": {
		id:         "arn:{partition}:lambda:{region}:{account}:function:{last.FunctionName}:{prop.Name}",
		attributes: map[string]string{"AliasArn": "{id}"},
	},
	"AWS::Lambda::LayerVersion": {
		id:         "arn:{partition}:lambda:{region}:{account}:layer:{low16}:1",
		attributes: map[string]string{"LayerVersionArn": "{id}"},
	},
	"AWS::Lambda::Url": {
		id: "arn:{partition}:lambda:{region}:{account}:function:{last.TargetFunctionArn}",
		attributes: map[string]string{
			"FunctionUrl": "https://{low32}.lambda-url.{region}.on.aws/",
			"FunctionArn": "{id}",
		},
	},
	"AWS::Lambda::EventSourceMapping": {
		id: "{uuid}",
		attributes: map[string]string{
			"EventSourceMappingArn": "arn:{partition}:lambda:{region}:{account}:event-source-mapping:{id}",
		},
	},
	"AWS::ECR::Repository": {
		limit: 256, lower: true, names: repositoryName,
		attributes: map[string]string{
			"Arn":           "arn:{partition}:ecr:{region}:{account}:repository/{id}",
			"RepositoryUri": "{account}.dkr.ecr.{region}.{suffix}/{id}",
		},
	},
	"AWS::ECS::Cluster": {
		attributes: map[string]string{"Arn": "arn:{partition}:ecs:{region}:{account}:cluster/{id}"},
	},
	"AWS::ECS::TaskDefinition": {
		id:         "arn:{partition}:ecs:{region}:{account}:task-definition/{low20}:1",
		attributes: map[string]string{"TaskDefinitionArn": "{id}"},
	},
	"AWS::ECS::Service": {
		id:         "arn:{partition}:ecs:{region}:{account}:service/{last.Cluster}/{name}",
		attributes: map[string]string{"ServiceArn": "{id}", "Name": "{last}"},
	},
	"AWS::EKS::Cluster": {
		limit: 100,
		attributes: map[string]string{
			"Endpoint":               "https://{up32}.gr7.{region}.eks.{suffix}",
			"OpenIdConnectIssuerUrl": "https://oidc.eks.{region}.{suffix}/id/{up32}",
		},
	},
	"AWS::EC2::Instance": {
		id:         "i-{hex17}",
		attributes: map[string]string{"PrivateIp": "10.0.0.10", "PublicIp": "203.0.113.10", "InstanceId": "{id}"},
	},
	"AWS::EC2::LaunchTemplate": {
		id:         "lt-{hex17}",
		attributes: map[string]string{"LatestVersionNumber": "1", "DefaultVersionNumber": "1"},
	},
	"AWS::CloudFormation::CustomResource": {id: "{uuid}"},
	"AWS::CloudFormation::WaitCondition":  {id: "arn:{partition}:cloudformation:{region}:{account}:waitCondition/{uuid}"},
	"AWS::CloudFormation::WaitConditionHandle": {
		id: "https://cloudformation-waitcondition-{region}.s3.{region}.{suffix}/arn%3A{partition}%3Acloudformation%3A{region}%3A{account}%3Astack/{uuid}",
	},
	"AWS::CDK::Metadata": {id: "{uuid}"},
}
