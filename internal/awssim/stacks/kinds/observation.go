package kinds

var observation = map[string]kind{
	"AWS::Logs::LogGroup": {
		name: "LogGroupName", tags: true, limit: 512,
		attributes: map[string]string{"Arn": "arn:{partition}:logs:{region}:{account}:log-group:{id}:*"},
	},
	"AWS::Logs::LogStream":          {name: "LogStreamName", replace: []string{"LogGroupName"}, required: []string{"LogGroupName"}},
	"AWS::Logs::MetricFilter":       {name: "FilterName", replace: []string{"LogGroupName"}, required: []string{"LogGroupName", "FilterPattern"}},
	"AWS::Logs::SubscriptionFilter": {name: "FilterName", replace: []string{"LogGroupName"}, required: []string{"LogGroupName", "DestinationArn"}},
	"AWS::CloudWatch::Alarm": {
		name: "AlarmName", tags: true, limit: 255, required: []string{"ComparisonOperator", "EvaluationPeriods"},
		attributes: map[string]string{"Arn": "arn:{partition}:cloudwatch:{region}:{account}:alarm:{id}"},
	},
	"AWS::CloudWatch::Dashboard": {name: "DashboardName", required: []string{"DashboardBody"}},
	"AWS::CloudTrail::Trail": {
		name: "TrailName", tags: true, required: []string{"IsLogging", "S3BucketName"},
		attributes: map[string]string{"Arn": "arn:{partition}:cloudtrail:{region}:{account}:trail/{id}"},
	},
	"AWS::XRay::Group": {
		id:         "arn:{partition}:xray:{region}:{account}:group/{prop.GroupName}/{up26}",
		attributes: map[string]string{"GroupARN": "{id}"},
	},
}
