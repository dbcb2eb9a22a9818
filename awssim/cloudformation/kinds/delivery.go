package kinds

var delivery = map[string]kind{
	"AWS::CloudFront::Distribution": {
		id:         "E{up13}",
		attributes: map[string]string{"DomainName": "d{low13}.cloudfront.net", "Id": "{id}"},
	},
	"AWS::CloudFront::CloudFrontOriginAccessIdentity": {
		id:         "E{up13}",
		attributes: map[string]string{"S3CanonicalUserId": "{hex64}", "Id": "{id}"},
	},
	"AWS::CloudFront::OriginAccessControl": {id: "E{up13}", attributes: map[string]string{"Id": "{id}"}},
	"AWS::CloudFront::CachePolicy":         {id: "{uuid}", attributes: map[string]string{"Id": "{id}"}},
	"AWS::CloudFront::Function": {
		id:         "arn:{partition}:cloudfront::{account}:function/{low20}",
		attributes: map[string]string{"FunctionARN": "{id}", "FunctionMetadata.FunctionARN": "{id}"},
	},
	"AWS::ApiGateway::RestApi": {
		id:         "{low10}",
		attributes: map[string]string{"RootResourceId": "{low10}", "RestApiId": "{id}"},
	},
	"AWS::ApiGateway::Resource": {
		id:         "{low6}",
		attributes: map[string]string{"ResourceId": "{id}"},
	},
	"AWS::ApiGateway::Deployment": {
		id:         "{low6}",
		attributes: map[string]string{"DeploymentId": "{id}"},
	},
	"AWS::ApiGatewayV2::Api": {
		id:         "{low10}",
		attributes: map[string]string{"ApiEndpoint": "https://{id}.execute-api.{region}.{suffix}", "ApiId": "{id}"},
	},
	"AWS::ApiGatewayV2::Route":       {id: "{low7}"},
	"AWS::ApiGatewayV2::Integration": {id: "{low7}"},
	"AWS::AppSync::GraphQLApi": {
		id: "arn:{partition}:appsync:{region}:{account}:apis/{low26}",
		attributes: map[string]string{
			"Arn": "{id}", "ApiId": "{last}", "GraphQLUrl": "https://{last}.appsync-api.{region}.{suffix}/graphql",
		},
	},
	"AWS::CodeBuild::Project": {
		attributes: map[string]string{"Arn": "arn:{partition}:codebuild:{region}:{account}:project/{id}"},
	},
	"AWS::CodePipeline::Pipeline": {
		attributes: map[string]string{"Version": "1"},
	},
}
