package kinds

var observation = map[string]kind{
	"AWS::Logs::LogGroup": {
		limit: 512, names: member("logGroupName", 1, 512, `[\.\-_/#A-Za-z0-9]+`),
		attributes: map[string]string{"Arn": "arn:{partition}:logs:{region}:{account}:log-group:{id}:*"},
	},
	"AWS::CloudWatch::Alarm": {
		limit:      255,
		attributes: map[string]string{"Arn": "arn:{partition}:cloudwatch:{region}:{account}:alarm:{id}"},
	},
	"AWS::CloudWatch::CompositeAlarm": {
		limit:      255,
		attributes: map[string]string{"Arn": "arn:{partition}:cloudwatch:{region}:{account}:alarm:{id}"},
	},
	"AWS::CloudTrail::Trail": {
		attributes: map[string]string{"Arn": "arn:{partition}:cloudtrail:{region}:{account}:trail/{id}"},
	},
	"AWS::XRay::Group": {
		id:         "arn:{partition}:xray:{region}:{account}:group/{prop.GroupName}/{up26}",
		attributes: map[string]string{"GroupARN": "{id}"},
	},
}
