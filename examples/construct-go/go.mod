module example.com/construct-go

go 1.26.0

require (
	github.com/aphex/aphex-pipeline-go/aphexpipeline v0.0.0
	github.com/aws/aws-cdk-go/awscdk/v2 v2.275.0
	github.com/aws/jsii-runtime-go v1.142.0
)

replace github.com/aphex/aphex-pipeline-go/aphexpipeline => ../../construct/dist/go/aphexpipeline
