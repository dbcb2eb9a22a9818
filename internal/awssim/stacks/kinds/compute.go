package kinds

var compute = map[string]kind{
	"AWS::Lambda::Function": {
		name: "FunctionName", tags: true, limit: 64, replace: []string{"PackageType"}, required: []string{"Code", "Role"},
		attributes: map[string]string{"Arn": "arn:{partition}:lambda:{region}:{account}:function:{id}"},
	},
	"AWS::Lambda::Version": {
		id:       "arn:{partition}:lambda:{region}:{account}:function:{last.FunctionName}:1",
		replace:  []string{"FunctionName", "CodeSha256", "Description"},
		required: []string{"FunctionName"},
		attributes: map[string]string{
			"Version":     "{last}",
			"FunctionArn": "{id}",
		},
	},
	"AWS::Lambda::Alias": {
		id:      "arn:{partition}:lambda:{region}:{account}:function:{last.FunctionName}:{prop.Name}",
		replace: []string{"FunctionName", "Name"}, required: []string{"FunctionName", "FunctionVersion", "Name"},
		attributes: map[string]string{"AliasArn": "{id}"},
	},
	"AWS::Lambda::LayerVersion": {
		id:         "arn:{partition}:lambda:{region}:{account}:layer:{low16}:1",
		replace:    []string{"CompatibleArchitectures", "CompatibleRuntimes", "Content", "Description", "LayerName", "LicenseInfo"},
		required:   []string{"Content"},
		attributes: map[string]string{"LayerVersionArn": "{id}"},
	},
	"AWS::Lambda::Permission": {
		replace:  []string{"Action", "FunctionName", "Principal", "SourceAccount", "SourceArn"},
		required: []string{"Action", "FunctionName", "Principal"},
	},
	"AWS::Lambda::Url": {
		id: "arn:{partition}:lambda:{region}:{account}:function:{last.TargetFunctionArn}", replace: []string{"TargetFunctionArn", "Qualifier"},
		required: []string{"AuthType", "TargetFunctionArn"},
		attributes: map[string]string{
			"FunctionUrl": "https://{low32}.lambda-url.{region}.on.aws/",
			"FunctionArn": "{id}",
		},
	},
	"AWS::Lambda::EventSourceMapping": {
		id: "{uuid}", replace: []string{"EventSourceArn", "StartingPosition", "SelfManagedEventSource"},
		required: []string{"FunctionName"},
		attributes: map[string]string{
			"EventSourceMappingArn": "arn:{partition}:lambda:{region}:{account}:event-source-mapping:{id}",
		},
	},
	"AWS::ECR::Repository": {
		name: "RepositoryName", tags: true, limit: 256, lower: true, replace: []string{"EncryptionConfiguration"},
		attributes: map[string]string{
			"Arn":           "arn:{partition}:ecr:{region}:{account}:repository/{id}",
			"RepositoryUri": "{account}.dkr.ecr.{region}.{suffix}/{id}",
		},
	},
	"AWS::ECS::Cluster": {
		name: "ClusterName", tags: true,
		attributes: map[string]string{"Arn": "arn:{partition}:ecs:{region}:{account}:cluster/{id}"},
	},
	"AWS::ECS::TaskDefinition": {
		id: "arn:{partition}:ecs:{region}:{account}:task-definition/{low20}:1", tags: true,
		replace: []string{
			"ContainerDefinitions", "Cpu", "Memory", "Family", "Volumes", "TaskRoleArn", "ExecutionRoleArn",
			"NetworkMode", "RequiresCompatibilities", "RuntimePlatform",
		},
		attributes: map[string]string{"TaskDefinitionArn": "{id}"},
	},
	"AWS::ECS::Service": {
		id: "arn:{partition}:ecs:{region}:{account}:service/{last.Cluster}/{low20}", tags: true,
		replace:    []string{"Cluster", "LaunchType", "ServiceName", "SchedulingStrategy"},
		attributes: map[string]string{"ServiceArn": "{id}", "Name": "{last}"},
	},
	"AWS::EC2::Instance": {
		id: "i-{hex17}", tags: true, replace: []string{"ImageId", "KeyName", "SubnetId", "AvailabilityZone"},
		attributes: map[string]string{"PrivateIp": "10.0.0.10", "PublicIp": "203.0.113.10", "InstanceId": "{id}"},
	},
	"AWS::EC2::LaunchTemplate": {
		id: "lt-{hex17}", replace: []string{"LaunchTemplateName"}, required: []string{"LaunchTemplateData"},
		attributes: map[string]string{"LatestVersionNumber": "1", "DefaultVersionNumber": "1"},
	},
	"AWS::AutoScaling::AutoScalingGroup":  {name: "AutoScalingGroupName", required: []string{"MaxSize", "MinSize"}},
	"AWS::CloudFormation::CustomResource": {id: "{uuid}", replace: []string{"ServiceToken"}},
	"AWS::CloudFormation::WaitCondition":  {id: "arn:{partition}:cloudformation:{region}:{account}:waitCondition/{uuid}"},
	"AWS::CloudFormation::WaitConditionHandle": {
		id: "https://cloudformation-waitcondition-{region}.s3.{region}.{suffix}/arn%3A{partition}%3Acloudformation%3A{region}%3A{account}%3Astack/{uuid}",
	},
	"AWS::CDK::Metadata": {id: "{uuid}"},
}
