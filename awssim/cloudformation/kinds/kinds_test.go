package kinds

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

var place = Place{Account: "111111111111", Region: "eu-west-1", Partition: "aws"}

func subject(typ string, properties map[string]any) Subject {
	return Subject{
		Place: place, Type: typ, StackName: "Shop", LogicalID: "Thing", Properties: properties, Seed: "seed",
	}
}

func TestResourcesAreNamedAsAWSNamesThem(t *testing.T) {
	for typ, want := range map[string]string{
		"AWS::S3::Bucket":               `^shop-thing-[a-z0-9]{12}$`,
		"AWS::DynamoDB::Table":          `^Shop-Thing-[A-Z0-9]{12}$`,
		"AWS::SQS::Queue":               `^https://sqs\.eu-west-1\.amazonaws\.com/111111111111/Shop-Thing-[A-Z0-9]{12}$`,
		"AWS::SNS::Topic":               `^arn:aws:sns:eu-west-1:111111111111:Shop-Thing-[A-Z0-9]{12}$`,
		"AWS::CloudFront::Distribution": `^E[A-Z0-9]{13}$`,
		"AWS::KMS::Key":                 `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$`,
		"AWS::EC2::VPC":                 `^vpc-[0-9a-f]{17}$`,
		"AWS::Unheard::Of":              `^Shop-Thing-[A-Z0-9]{12}$`,
	} {
		assert.Regexp(t, regexp.MustCompile(want), subject(typ, nil).NewID(), typ)
	}
	assert.Equal(t, "my-bucket", subject("AWS::S3::Bucket", map[string]any{"BucketName": "my-bucket"}).NewID())
	assert.Equal(t, "arn:aws:sns:eu-west-1:111111111111:news", subject("AWS::SNS::Topic", map[string]any{"TopicName": "news"}).NewID())
}

func TestAttributesAreShapedAsAWSShapesThem(t *testing.T) {
	attribute := func(typ, id, name string) any {
		s := subject(typ, map[string]any{"Value": "33"})
		s.PhysicalID = id
		return s.Attribute(name)
	}
	assert.Equal(t, "arn:aws:s3:::b", attribute("AWS::S3::Bucket", "b", "Arn"))
	assert.Equal(t, "b.s3.eu-west-1.amazonaws.com", attribute("AWS::S3::Bucket", "b", "RegionalDomainName"))
	assert.Equal(t, "arn:aws:lambda:eu-west-1:111111111111:function:f", attribute("AWS::Lambda::Function", "f", "Arn"))
	assert.Equal(t, "arn:aws:sqs:eu-west-1:111111111111:q", attribute("AWS::SQS::Queue", "https://sqs/1/q", "Arn"))
	assert.Equal(t, "q", attribute("AWS::SQS::Queue", "https://sqs/1/q", "QueueName"))
	assert.Equal(t, "news", attribute("AWS::SNS::Topic", "arn:aws:sns:eu-west-1:1:news", "TopicName"))
	assert.Equal(t, "s-1", attribute("AWS::Transfer::Server", "arn:aws:transfer:eu-west-1:1:server/s-1", "ServerId"))
	assert.Equal(t, "s-1-State", attribute("AWS::Transfer::Server", "arn:aws:transfer:eu-west-1:1:server/s-1", "State"))
	assert.Equal(t, "33", attribute("AWS::SSM::Parameter", "/x", "Value"))
	assert.Regexp(t, `^d[a-z0-9]{13}\.cloudfront\.net$`, attribute("AWS::CloudFront::Distribution", "E1", "DomainName"))
	assert.Equal(t, "arn:aws:unheard:eu-west-1:111111111111:of/u", attribute("AWS::Unheard::Of", "u", "SomeArn"))
	assert.Equal(t, []any{"amqp+ssl://b-1-1.mq.eu-west-1.amazonaws.com:5671"}, attribute("AWS::AmazonMQ::Broker", "b-1", "AmqpEndpoints"))
	assert.Regexp(t, `^https://oidc\.eks\.eu-west-1\.amazonaws\.com/id/[A-Z0-9]{32}$`, attribute("AWS::EKS::Cluster", "c", "OpenIdConnectIssuerUrl"))
	assert.Regexp(t, `^https://my-app-[a-z0-9]{8}\.apprunner\.eu-west-1\.amazonaws\.com$`, attribute("AWS::AppRunner::Service", "arn:aws:apprunner:eu-west-1:1:service/My_App", "ServiceUrl"))
	assert.Regexp(t, `^c-[a-z0-9]{8}\.neptune\.eu-west-1\.amazonaws\.com$`, attribute("AWS::Neptune::DBCluster", "c", "ReadEndpoint"))
	assert.Regexp(t, `^c-[a-z0-9]{8}\.redshift\.eu-west-1\.amazonaws\.com$`, attribute("AWS::Redshift::Cluster", "c", "Endpoint.Address"))
	assert.Regexp(t, `^https://f-[a-z0-9]{8}\.osis\.eu-west-1\.amazonaws\.com$`, attribute("AWS::OSIS::Pipeline", "f", "IngestEndpointUrls").([]any)[0])
	assert.Equal(t, "u-Color", attribute("AWS::Unheard::Of", "u", "Color"))
}

func TestAnAttributeIsTheSameEveryTime(t *testing.T) {
	s := subject("AWS::ApiGateway::RestApi", nil)
	s.PhysicalID = "abc"
	first := s.Attribute("RootResourceId")
	s.Seed = "another"
	assert.Equal(t, first, s.Attribute("RootResourceId"))
}

func TestGeneratedNamesKeepTheLengthLimitOfTheirType(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		stack := rapid.StringMatching(`[A-Za-z][-A-Za-z0-9]{0,127}`).Draw(rt, "stack")
		logical := rapid.StringMatching(`[A-Za-z0-9]{1,255}`).Draw(rt, "logical")
		for typ, limit := range map[string]int{"AWS::S3::Bucket": 63, "AWS::IAM::Role": 64, "AWS::Unheard::Of": 128} {
			name := Invent(stack, logical, "seed", typ)
			assert.LessOrEqual(rt, len(name), limit)
			assert.Regexp(rt, `^[-A-Za-z0-9]+-[A-Za-z0-9]{12}$`, name)
		}
	})
}

func TestReplacementAndRequirementsFollowTheTable(t *testing.T) {
	assert.Equal(t, Always, Replaces("AWS::S3::Bucket", "BucketName"))
	assert.Equal(t, Always, Replaces("AWS::DynamoDB::Table", "KeySchema"))
	assert.Equal(t, Conditionally, Replaces("AWS::EC2::VPC", "InstanceTenancy"))
	assert.Equal(t, Never, Replaces("AWS::Lambda::Function", "Code"))
	assert.Equal(t, Never, Replaces("AWS::Unheard::Of", ""))
}

func TestNamesAreUniqueAmongTheirSiblings(t *testing.T) {
	type properties = map[string]any
	for name, tc := range map[string]struct {
		typ   string
		a, b  properties
		taken bool
	}{
		"stages of two APIs":        {"AWS::ApiGateway::Stage", properties{"RestApiId": "a", "StageName": "prod"}, properties{"RestApiId": "b", "StageName": "prod"}, false},
		"one stage of one API":      {"AWS::ApiGateway::Stage", properties{"RestApiId": "a", "StageName": "prod"}, properties{"RestApiId": "a", "StageName": "prod"}, true},
		"V2 stages of two APIs":     {"AWS::ApiGatewayV2::Stage", properties{"ApiId": "a", "StageName": "$default"}, properties{"ApiId": "b", "StageName": "$default"}, false},
		"rules of two buses":        {"AWS::Events::Rule", properties{"Name": "r"}, properties{"Name": "r", "EventBusName": "own"}, false},
		"rules of the default bus":  {"AWS::Events::Rule", properties{"Name": "r"}, properties{"Name": "r", "EventBusName": "default"}, true},
		"filters of two log groups": {"AWS::Logs::MetricFilter", properties{"LogGroupName": "a", "FilterName": "f"}, properties{"LogGroupName": "b", "FilterName": "f"}, false},
		"schedules of two groups":   {"AWS::Scheduler::Schedule", properties{"Name": "s"}, properties{"Name": "s", "GroupName": "g"}, false},
		"aliases of two functions":  {"AWS::Lambda::Alias", properties{"FunctionName": "a", "Name": "live"}, properties{"FunctionName": "b", "Name": "live"}, false},
		"aliases of one function":   {"AWS::Lambda::Alias", properties{"FunctionName": "a", "Name": "live"}, properties{"FunctionName": "a", "Name": "live"}, true},
		"groups of two user pools":  {"AWS::Cognito::UserPoolGroup", properties{"UserPoolId": "a", "GroupName": "g"}, properties{"UserPoolId": "b", "GroupName": "g"}, false},
		"services of two clusters":  {"AWS::ECS::Service", properties{"ServiceName": "s"}, properties{"ServiceName": "s", "Cluster": "c"}, false},
		"tables of two databases":   {"AWS::Glue::Table", properties{"DatabaseName": "a", "TableInput": properties{"Name": "t"}}, properties{"DatabaseName": "b", "TableInput": properties{"Name": "t"}}, false},
		"records of two types":      {"AWS::Route53::RecordSet", properties{"HostedZoneId": "z", "Name": "n", "Type": "A"}, properties{"HostedZoneId": "z", "Name": "n", "Type": "AAAA"}, false},
		"ACLs of two scopes":        {"AWS::WAFv2::WebACL", properties{"Scope": "REGIONAL", "Name": "n"}, properties{"Scope": "CLOUDFRONT", "Name": "n"}, false},
		"log groups":                {"AWS::Logs::LogGroup", properties{"LogGroupName": "/a"}, properties{"LogGroupName": "/a"}, true},
		"queues":                    {"AWS::SQS::Queue", properties{"QueueName": "q"}, properties{"QueueName": "q"}, true},
	} {
		a, b := Identity(tc.typ, tc.a), Identity(tc.typ, tc.b)
		assert.NotEmpty(t, a, name)
		assert.NotEmpty(t, b, name)
		assert.Equal(t, tc.taken, a == b, "%s: %s and %s", name, a, b)
	}
}

func TestNamesGeneratedByAWSAreNeverTaken(t *testing.T) {
	for typ, properties := range map[string]map[string]any{
		"AWS::SQS::Queue":         nil,
		"AWS::EC2::VPC":           {"CidrBlock": "10.0.0.0/16"},
		"AWS::ApiGateway::Stage":  {"RestApiId": "a"},
		"AWS::Lambda::Permission": {"FunctionName": "f", "Action": "a", "Principal": "p"},
		"AWS::Unheard::Of":        {"Name": "n"},
	} {
		assert.Empty(t, Identity(typ, properties), typ)
	}
}

func TestAttributesHaveTheTypeThatAWSGivesThem(t *testing.T) {
	attribute := func(typ, name string, properties map[string]any) any {
		s := subject(typ, properties)
		s.PhysicalID = "id"
		return s.Attribute(name)
	}
	for typ, lists := range map[string][]string{
		"AWS::Route53::HostedZone":                  {"NameServers"},
		"AWS::EC2::VPC":                             {"Ipv6CidrBlocks", "CidrBlockAssociations"},
		"AWS::EC2::VPCEndpoint":                     {"DnsEntries", "NetworkInterfaceIds"},
		"AWS::DirectoryService::MicrosoftAD":        {"DnsIpAddresses"},
		"AWS::ElasticLoadBalancingV2::LoadBalancer": {"SecurityGroups"},
	} {
		for _, name := range lists {
			items, ok := attribute(typ, name, nil).([]any)
			assert.True(t, ok, "%s.%s is a list", typ, name)
			assert.NotEmpty(t, items, "%s.%s", typ, name)
			assert.Equal(t, items, attribute(typ, name, nil), "the same every time")
		}
	}
	assert.Equal(t, []any{"sg-1"}, attribute("AWS::ElasticLoadBalancingV2::LoadBalancer", "SecurityGroups", map[string]any{"SecurityGroups": []any{"sg-1"}}))
	assert.Len(t, attribute("AWS::Route53::HostedZone", "NameServers", nil), 4)
	assert.Regexp(t, `^2600:[0-9a-f:]+::/56$`, attribute("AWS::EC2::VPC", "Ipv6CidrBlocks", nil).([]any)[0])
	assert.Equal(t, "arn:aws:logs:eu-west-1:111111111111:log-group:id:*", attribute("AWS::Logs::LogGroup", "Arn", nil))
	assert.Equal(t, "arn:aws:athena:eu-west-1:111111111111:workgroup/id", attribute("AWS::Athena::WorkGroup", "SomeArn", nil), "the published form")
}

func TestGeneratedNamesFollowTheRulesOfTheirType(t *testing.T) {
	assert.Regexp(t, `/Shop-Thing-[A-Z0-9]{12}\.fifo$`, subject("AWS::SQS::Queue", map[string]any{"FifoQueue": true}).NewID())
	assert.Regexp(t, `:Shop-Thing-[A-Z0-9]{12}\.fifo$`, subject("AWS::SNS::Topic", map[string]any{"FifoTopic": "true"}).NewID())
	long := subject("AWS::SQS::Queue", map[string]any{"FifoQueue": true})
	long.LogicalID = "AVeryLongLogicalIdOfAQueueThatNobodyWouldWriteByHandButThatConstructsOftenMakeOfTheirPath"
	assert.Empty(t, Subject{Type: "AWS::SQS::Queue", Properties: map[string]any{"FifoQueue": true, "QueueName": last(long.NewID())}}.Misnamed())
}

func TestNamesAreCheckedByTheRulesOfTheirType(t *testing.T) {
	long := strings.Repeat("n", 65)
	for _, c := range []struct{ typ, property, name, wrong string }{
		{"AWS::SQS::Queue", "QueueName", "q.fifo", "Can only include alphanumeric"},
		{"AWS::SQS::Queue", "QueueName", strings.Repeat("q", 81), "1 to 80 in length"},
		{"AWS::SQS::Queue", "QueueName", "orders_1", ""},
		{"AWS::SNS::Topic", "TopicName", "a.b", "Invalid parameter: Topic Name"},
		{"AWS::Lambda::Function", "FunctionName", "a b", "Value 'a b' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+"},
		{"AWS::Lambda::Function", "FunctionName", long, "Member must have length less than or equal to 64"},
		{"AWS::Lambda::Function", "FunctionName", "f-1_B", ""},
		{"AWS::IAM::Role", "RoleName", long, "at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		{"AWS::IAM::Role", "RoleName", "a/b", `Member must satisfy regular expression pattern: [\w+=,.@-]+`},
		{"AWS::IAM::Role", "RoleName", "Deploy+it=,.@-_", ""},
		{"AWS::IAM::User", "UserName", "a b", "'userName'"},
		{"AWS::IAM::Policy", "PolicyName", "a b", "'policyName'"},
		{"AWS::IAM::ManagedPolicy", "ManagedPolicyName", strings.Repeat("p", 129), "less than or equal to 128"},
		{"AWS::S3::Bucket", "BucketName", "Orders", "Bucket name should not contain uppercase characters"},
		{"AWS::S3::Bucket", "BucketName", "ab", "between 3 and 63 characters long"},
		{"AWS::S3::Bucket", "BucketName", "a_b", "should not contain '_'"},
		{"AWS::S3::Bucket", "BucketName", "a$b", "The specified bucket is not valid."},
		{"AWS::S3::Bucket", "BucketName", "-ab", "begin with"},
		{"AWS::S3::Bucket", "BucketName", "ab-", "end with"},
		{"AWS::S3::Bucket", "BucketName", "a..b", "two adjacent periods"},
		{"AWS::S3::Bucket", "BucketName", "a.-b", "dashes next to periods"},
		{"AWS::S3::Bucket", "BucketName", "a-.b", "dashes next to periods"},
		{"AWS::S3::Bucket", "BucketName", "192.168.0.1", "IP Address"},
		{"AWS::S3::Bucket", "BucketName", "192.168.0.1.5", ""},
		{"AWS::S3::Bucket", "BucketName", "orders--1.example.com", ""},
		{"AWS::DynamoDB::Table", "TableName", "ab", "at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3"},
		{"AWS::DynamoDB::Table", "TableName", "a/b/c", "[a-zA-Z0-9_.-]+"},
		{"AWS::Logs::LogGroup", "LogGroupName", "/a b", "log"},
		{"AWS::Logs::LogGroup", "LogGroupName", "/aws/lambda/f", ""},
		{"AWS::ECR::Repository", "RepositoryName", "Shop", "Invalid parameter at 'repositoryName' failed to satisfy constraint"},
		{"AWS::ECR::Repository", "RepositoryName", "team/shop_1", ""},
		{"AWS::Kinesis::Stream", "Name", "a:b", "'streamName'"},
		{"AWS::StepFunctions::StateMachine", "StateMachineName", "a b", "Invalid Name: 'a b'"},
		{"AWS::StepFunctions::StateMachine", "StateMachineName", "a.b-c", ""},
		{"AWS::Events::Rule", "Name", "a b", "at 'name'"},
		{"AWS::ApiGateway::RestApi", "Name", "any name / at all", ""},
		{"AWS::Unheard::Of", "Name", "a b", ""},
	} {
		wrong := subject(c.typ, map[string]any{c.property: c.name}).Misnamed()
		if c.wrong == "" {
			assert.Empty(t, wrong, c)
		} else {
			assert.Contains(t, wrong, c.wrong, c)
		}
	}
	fifo := func(typ, property, name, flag string) string {
		return subject(typ, map[string]any{property: name, flag: "true"}).Misnamed()
	}
	assert.Contains(t, fifo("AWS::SQS::Queue", "QueueName", "q", "FifoQueue"), "must end with .fifo")
	assert.Contains(t, fifo("AWS::SNS::Topic", "TopicName", "t", "FifoTopic"), "must end with .fifo")
	assert.Empty(t, fifo("AWS::SQS::Queue", "QueueName", "q.fifo", "FifoQueue"))
}

func TestGeneratedNamesMeetTheRulesOfTheirType(t *testing.T) {
	for typ, k := range table {
		long := Subject{Type: typ, StackName: strings.Repeat("Stack-9", 18), LogicalID: strings.Repeat("Logical", 30), Seed: "s"}
		if k.property == "" && len(k.names) > 0 {
			long.Properties = map[string]any{NameProperty(typ): Invent(long.StackName, long.LogicalID, long.Seed, typ)}
			assert.Empty(t, long.Misnamed(), typ)
		}
	}
}

func TestPropertiesAreCheckedAgainstTheSchemaOfTheirType(t *testing.T) {
	type properties = map[string]any
	problems := func(typ string, given properties) []string {
		var lines []string
		for _, p := range Problems(typ, given) {
			lines = append(lines, p.String())
		}
		return lines
	}
	assert.Equal(t, []string{"#: required key [Code] not found", "#: required key [Role] not found"}, problems("AWS::Lambda::Function", nil))
	assert.Equal(t, []string{"#: extraneous key [QueName] is not permitted"}, problems("AWS::SQS::Queue", properties{"QueName": "q"}))
	assert.Equal(t, []string{"#/QueueName: expected type: String, found: JSONArray"}, problems("AWS::SQS::Queue", properties{"QueueName": []any{"q"}}))
	assert.Equal(t, []string{"#/VersioningConfiguration: extraneous key [State] is not permitted"},
		problems("AWS::S3::Bucket", properties{"VersioningConfiguration": properties{"Status": "Enabled", "State": "x"}}))
	assert.Equal(t, []string{"#/ContainerDefinitions/0: required key [Image] not found"},
		problems("AWS::ECS::TaskDefinition", properties{"ContainerDefinitions": []any{properties{"Name": "n"}}}))
	assert.Empty(t, problems("AWS::SQS::Queue", properties{"DelaySeconds": "5", "FifoQueue": "true", "QueueName": struct{}{}}), "texts are converted, unknown values pass")
	for _, typ := range []string{"AWS::Unheard::Of", "Custom::Thing", "AWS::CloudFormation::CustomResource"} {
		assert.Empty(t, problems(typ, properties{"Anything": "goes"}), typ)
	}
}

func TestEverySchemaCanBeRead(t *testing.T) {
	for name := range lines() {
		s := schemaOf(name)
		for _, property := range append(s.Required, s.Replace...) {
			assert.Contains(t, s.Properties, property, name)
		}
	}
	for typ, properties := range unique {
		s := schemaOf(typ)
		if assert.NotNil(t, s, typ) {
			for _, property := range properties {
				assert.Regexp(t, `^[A-Za-z]+(=[a-z]*|\.[A-Za-z]+)?$`, property)
				name := regexp.MustCompile(`[=.].*`).ReplaceAllString(property, "")
				assert.Contains(t, s.Properties, name, typ)
			}
		}
	}
	for typ, k := range table {
		for name := range k.attributes {
			if s := schemaOf(typ); s != nil {
				assert.Contains(t, s.Attributes, name, typ)
			}
		}
	}
}
