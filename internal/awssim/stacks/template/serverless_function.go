package template

import (
	"fmt"
	"maps"
	"strings"
)

// serverlessFunction makes a Lambda function of a function of SAM, a role where
// none is given, and what its events need.
func serverlessFunction(resources map[string]any, id string, globals map[string]any) error {
	resource, _ := resources[id].(map[string]any)
	own, _ := resource["Properties"].(map[string]any)
	given := overlaid(globals, own)
	properties := map[string]any{}
	for _, name := range sortedKeys(given) {
		switch name {
		case "CodeUri", "InlineCode", "ImageUri", "Events", "Policies", "Tags", "Tracing":
		case "Architectures", "Description", "Environment", "EphemeralStorage", "FunctionName", "Handler", "KmsKeyArn", "Layers",
			"MemorySize", "PackageType", "ReservedConcurrentExecutions", "Role", "Runtime", "Timeout", "VpcConfig":
			properties[name] = given[name]
		default:
			return validationf("Transform %s failed with: Resource with id [%s] is invalid. the simulator does not know the property %s of AWS::Serverless::Function",
				serverless, id, name)
		}
	}
	f := samFunction{resources: resources, id: id, condition: resource["Condition"], managed: []any{managedPolicy("service-role/AWSLambdaBasicExecutionRole")}}
	if given["Tracing"] != nil {
		properties["TracingConfig"] = map[string]any{"Mode": given["Tracing"]}
		f.managed = append(f.managed, managedPolicy("AWSXrayWriteOnlyAccess"))
	}
	var err error
	if properties["Code"], err = f.code(given); err != nil {
		return err
	}
	properties["Tags"] = tagList(given["Tags"])
	events, _ := given["Events"].(map[string]any)
	for _, name := range sortedKeys(events) {
		if err := f.event(name, events[name]); err != nil {
			return err
		}
	}
	if properties["Role"] == nil {
		if err := f.role(given["Policies"]); err != nil {
			return err
		}
		properties["Role"] = f.arn(id + "Role")
	}
	resource["Type"], resource["Properties"] = "AWS::Lambda::Function", properties
	return nil
}

// overlaid is what the Globals section says, with a resource's own values
// before it; maps are merged.
func overlaid(globals, own map[string]any) map[string]any {
	result := maps.Clone(globals)
	if result == nil {
		result = map[string]any{}
	}
	for name, value := range own {
		below, both := result[name].(map[string]any)
		above, ok := value.(map[string]any)
		if both && ok {
			if _, _, computed := call(above); !computed {
				value = overlaid(below, above)
			}
		}
		result[name] = value
	}
	return result
}

// samFunction is a function whose surroundings are being made.
type samFunction struct {
	resources map[string]any
	id        string
	condition any
	managed   []any // policies of its role
}

// add makes a resource that exists when the function does.
func (f *samFunction) add(id, typ string, properties map[string]any) {
	made := map[string]any{"Type": typ, "Properties": properties}
	if f.condition != nil {
		made["Condition"] = f.condition
	}
	f.resources[id] = made
}

func (f *samFunction) arn(id string) any { return map[string]any{"Fn::GetAtt": []any{id, "Arn"}} }

func managedPolicy(name string) any {
	return map[string]any{"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/" + name}
}

func tagList(value any) []any {
	tags := []any{map[string]any{"Key": "lambda:createdBy", "Value": "SAM"}}
	given, _ := value.(map[string]any)
	for _, key := range sortedKeys(given) {
		tags = append(tags, map[string]any{"Key": key, "Value": given[key]})
	}
	return tags
}

func (f *samFunction) code(given map[string]any) (any, error) {
	if given["InlineCode"] != nil {
		return map[string]any{"ZipFile": given["InlineCode"]}, nil
	}
	if given["ImageUri"] != nil {
		return map[string]any{"ImageUri": given["ImageUri"]}, nil
	}
	switch uri := given["CodeUri"].(type) {
	case string:
		bucket, key, found := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
		if found && strings.HasPrefix(uri, "s3://") {
			return map[string]any{"S3Bucket": bucket, "S3Key": key}, nil
		}
	case map[string]any:
		code := map[string]any{"S3Bucket": uri["Bucket"], "S3Key": uri["Key"]}
		if uri["Version"] != nil {
			code["S3ObjectVersion"] = uri["Version"]
		}
		if uri["Bucket"] != nil && uri["Key"] != nil {
			return code, nil
		}
	}
	return nil, validationf("Transform %s failed with: Resource with id [%s] is invalid. 'CodeUri' is not a valid S3 Uri of the form "+
		"'s3://bucket/key' with optional versionId query parameter.", serverless, f.id)
}

// role makes the role of the function.
func (f *samFunction) role(policies any) error {
	inline := []any{}
	for _, policy := range listOf(policies) {
		switch p := policy.(type) {
		case nil:
		case string:
			if !strings.HasPrefix(p, "arn:") {
				f.managed = append(f.managed, managedPolicy(p))
				continue
			}
			f.managed = append(f.managed, p)
		case map[string]any:
			if _, _, computed := call(p); computed {
				f.managed = append(f.managed, p)
				continue
			}
			if p["Statement"] == nil {
				return validationf("Transform %s failed with: the simulator does not know the policy template %s of [%s]",
					serverless, strings.Join(sortedKeys(p), ", "), f.id)
			}
			inline = append(inline, map[string]any{"PolicyName": fmt.Sprintf("%sRolePolicy%d", f.id, len(inline)), "PolicyDocument": p})
		}
	}
	properties := map[string]any{
		"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Effect": "Allow", "Action": []any{"sts:AssumeRole"}, "Principal": map[string]any{"Service": []any{"lambda.amazonaws.com"}},
		}}},
		"ManagedPolicyArns": f.managed,
	}
	if len(inline) > 0 {
		properties["Policies"] = inline
	}
	f.add(f.id+"Role", "AWS::IAM::Role", properties)
	return nil
}

// event makes what calls the function.
func (f *samFunction) event(name string, declared any) error {
	event, _ := declared.(map[string]any)
	given, _ := event["Properties"].(map[string]any)
	id := f.id + name
	permit := func(service string, source any) {
		f.add(id+"Permission", "AWS::Lambda::Permission", map[string]any{
			"Action": "lambda:InvokeFunction", "FunctionName": map[string]any{"Ref": f.id}, "Principal": service, "SourceArn": source,
		})
	}
	switch event["Type"] {
	case "Schedule":
		rule := map[string]any{
			"ScheduleExpression": given["Schedule"],
			"Targets":            []any{map[string]any{"Arn": f.arn(f.id), "Id": id + "LambdaTarget"}},
		}
		f.add(id, "AWS::Events::Rule", rule)
		permit("events.amazonaws.com", f.arn(id))
	case "SNS":
		f.add(id, "AWS::SNS::Subscription", map[string]any{"Endpoint": f.arn(f.id), "Protocol": "lambda", "TopicArn": given["Topic"]})
		permit("sns.amazonaws.com", given["Topic"])
	case "SQS":
		mapping := map[string]any{"EventSourceArn": given["Queue"], "FunctionName": map[string]any{"Ref": f.id}}
		if given["BatchSize"] != nil {
			mapping["BatchSize"] = given["BatchSize"]
		}
		f.add(id, "AWS::Lambda::EventSourceMapping", mapping)
		f.managed = append(f.managed, managedPolicy("service-role/AWSLambdaSQSQueueExecutionRole"))
	default:
		return validationf("Transform %s failed with: the simulator does not know the event type %v of [%s]", serverless, event["Type"], f.id)
	}
	return nil
}
