// The pipeline of construct-single in Go.
package main

import (
	"github.com/aphex/aphex-pipeline-go/aphexpipeline"
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("MyAppPipeline"), &awscdk.StackProps{
		Env: &awscdk.Environment{Account: jsii.String("111111111111"), Region: jsii.String("us-east-1")},
	})
	stacks := &[]any{"DatabaseStack", "ApiStack"}
	aphexpipeline.NewAphexPipeline(stack, jsii.String("Pipeline"), &aphexpipeline.AphexPipelineProps{
		KubectlLayer: awslambda.LayerVersion_FromLayerVersionArn(stack, jsii.String("Kubectl"),
			jsii.String("arn:aws:lambda:us-east-1:111111111111:layer:kubectl:1")),
		ClusterName:           jsii.String("company-pipelines"),
		GithubOwner:           jsii.String("my-org"),
		GithubRepo:            jsii.String("my-app"),
		GithubTokenSecretName: jsii.String("github-token"),
		BuildStage:            &aphexpipeline.BuildDefinition{Commands: jsii.Strings("npm ci", "npm run build")},
		Stacks: &[]*aphexpipeline.StackDefinition{
			{Name: jsii.String("DatabaseStack"), Path: jsii.String("lib/database-stack.ts")},
			{Name: jsii.String("ApiStack"), Path: jsii.String("lib/api-stack.ts"), DependsOn: jsii.Strings("DatabaseStack")},
		},
		Environments: &[]*aphexpipeline.EnvironmentDefinition{
			{Name: jsii.String("dev"), Account: jsii.String("111111111111"), Region: jsii.String("us-east-1"), Stacks: stacks},
			{
				Name: jsii.String("prod"), Account: jsii.String("222222222222"), Region: jsii.String("us-west-2"), Stacks: stacks,
				Tests: &aphexpipeline.TestsDefinition{Commands: jsii.Strings("npm run integration-test")},
			},
		},
	})
	app.Synth(nil)
}
