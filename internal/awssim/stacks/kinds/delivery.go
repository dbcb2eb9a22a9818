package kinds

var delivery = map[string]kind{
	"AWS::CloudFront::Distribution": {
		id: "E{up13}", tags: true, required: []string{"DistributionConfig"},
		attributes: map[string]string{"DomainName": "d{low13}.cloudfront.net", "Id": "{id}"},
	},
	"AWS::CloudFront::CloudFrontOriginAccessIdentity": {
		id:         "E{up13}",
		attributes: map[string]string{"S3CanonicalUserId": "{hex64}", "Id": "{id}"},
	},
	"AWS::CloudFront::OriginAccessControl": {id: "E{up13}", attributes: map[string]string{"Id": "{id}"}},
	"AWS::CloudFront::CachePolicy":         {id: "{uuid}", attributes: map[string]string{"Id": "{id}"}},
	"AWS::CloudFront::Function": {
		id: "arn:{partition}:cloudfront::{account}:function/{low20}", replace: []string{"Name"},
		attributes: map[string]string{"FunctionARN": "{id}", "FunctionMetadata.FunctionARN": "{id}"},
	},
	"AWS::ApiGateway::RestApi": {
		id: "{low10}", tags: true,
		attributes: map[string]string{"RootResourceId": "{low10}", "RestApiId": "{id}"},
	},
	"AWS::ApiGateway::Resource": {
		id: "{low6}", replace: []string{"ParentId", "PathPart", "RestApiId"}, required: []string{"ParentId", "PathPart", "RestApiId"},
		attributes: map[string]string{"ResourceId": "{id}"},
	},
	"AWS::ApiGateway::Method": {
		replace: []string{"HttpMethod", "ResourceId", "RestApiId"}, required: []string{"HttpMethod", "ResourceId", "RestApiId"},
	},
	"AWS::ApiGateway::Deployment": {
		id: "{low6}", replace: []string{"DeploymentCanarySettings", "RestApiId"}, required: []string{"RestApiId"},
		attributes: map[string]string{"DeploymentId": "{id}"},
	},
	"AWS::ApiGateway::Stage": {
		name: "StageName", tags: true, replace: []string{"RestApiId"}, required: []string{"RestApiId"},
	},
	"AWS::ApiGateway::Account": {},
	"AWS::ApiGatewayV2::Api": {
		id: "{low10}", tags: true, replace: []string{"ProtocolType"},
		attributes: map[string]string{"ApiEndpoint": "https://{id}.execute-api.{region}.{suffix}", "ApiId": "{id}"},
	},
	"AWS::ApiGatewayV2::Stage": {
		name: "StageName", tags: true, replace: []string{"ApiId"}, required: []string{"ApiId", "StageName"},
	},
	"AWS::ApiGatewayV2::Route":       {id: "{low7}", replace: []string{"ApiId"}, required: []string{"ApiId", "RouteKey"}},
	"AWS::ApiGatewayV2::Integration": {id: "{low7}", replace: []string{"ApiId"}, required: []string{"ApiId", "IntegrationType"}},
	"AWS::AppSync::GraphQLApi": {
		id: "arn:{partition}:appsync:{region}:{account}:apis/{low26}", tags: true, required: []string{"AuthenticationType", "Name"},
		attributes: map[string]string{
			"Arn": "{id}", "ApiId": "{last}", "GraphQLUrl": "https://{last}.appsync-api.{region}.{suffix}/graphql",
		},
	},
	"AWS::CodeBuild::Project": {
		name: "Name", tags: true, required: []string{"Artifacts", "Environment", "ServiceRole", "Source"},
		attributes: map[string]string{"Arn": "arn:{partition}:codebuild:{region}:{account}:project/{id}"},
	},
	"AWS::CodePipeline::Pipeline": {
		name: "Name", tags: true, required: []string{"RoleArn", "Stages"}, attributes: map[string]string{"Version": "1"},
	},
}
