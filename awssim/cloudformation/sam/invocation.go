package sam

// url makes the address of the function.
func (f *function) url() {
	p := f.p.properties("FunctionUrlConfig")
	if p == nil {
		return
	}
	defer p.end()
	called := any(ref(f.id))
	if f.alias != "" {
		called = ref(f.alias)
	}
	url := map[string]any{"AuthType": p.require("AuthType"), "TargetFunctionArn": called}
	p.copy(url, "InvokeMode")
	if cors := p.properties("Cors"); cors != nil {
		allowed := map[string]any{}
		cors.copy(allowed, "AllowCredentials", "AllowHeaders", "AllowMethods", "AllowOrigins", "ExposeHeaders", "MaxAge")
		cors.end()
		url["Cors"] = allowed
	}
	if auth, text := url["AuthType"].(string); text && auth != "NONE" && auth != "AWS_IAM" {
		f.invalid("AuthType is required to configure function property `FunctionUrlConfig`. Please provide either AWS_IAM or NONE.")
	}
	f.add(f.id+"Url", "AWS::Lambda::Url", url)
	if url["AuthType"] != "NONE" {
		return
	}
	f.add(f.id+"UrlPublicPermissions", "AWS::Lambda::Permission", map[string]any{
		"Action": "lambda:InvokeFunctionUrl", "FunctionName": called, "Principal": "*", "FunctionUrlAuthType": "NONE",
	})
	f.add(f.id+"URLInvokeAllowPublicAccess", "AWS::Lambda::Permission", map[string]any{
		"Action": "lambda:InvokeFunction", "FunctionName": called, "Principal": "*", "InvokedViaFunctionUrl": true,
	})
}

// invocation makes what becomes of asynchronous invocations.
func (f *function) invocation() {
	p := f.p.properties("EventInvokeConfig")
	if p == nil {
		return
	}
	defer p.end()
	id := f.id + "EventInvokeConfig"
	config := map[string]any{"FunctionName": ref(f.id), "Qualifier": "$LATEST"}
	p.copy(config, "MaximumEventAgeInSeconds", "MaximumRetryAttempts")
	if destinations := p.properties("DestinationConfig"); destinations != nil {
		made := map[string]any{}
		for _, name := range []string{"OnSuccess", "OnFailure"} {
			if d := destinations.properties(name); d != nil {
				made[name] = map[string]any{"Destination": f.destination(id+name, name, d)}
			}
		}
		config["DestinationConfig"] = made
		destinations.end()
	}
	made := f.add(id, "AWS::Lambda::EventInvokeConfig", config)
	if f.alias != "" {
		config["Qualifier"], made["DependsOn"] = f.aliasName, []any{f.alias}
	}
}

// destinations are what the role needs for a kind of destination, and the end
// of the policy's name.
var destinations = map[string][2]string{
	"SQS": {"sqs:SendMessage", "SQSPolicy"}, "SNS": {"sns:publish", "SNSPolicy"}, "EventBridge": {"events:PutEvents", "EventBridgePolicy"},
	"Lambda": {"lambda:InvokeFunction", "LambdaPolicy"},
}

// destination is where results go; queues and topics that are not given are made.
func (f *function) destination(id, name string, p *properties) any {
	defer p.end()
	typ, to := p.text("Type"), p.take("Destination")
	needs, known := destinations[typ]
	switch {
	case !known:
		f.invalid("the simulator's transform does not support the destination type '%s' of %s: one of %v", typ, name, sortedKeys(destinations))
		return nil
	case to == nil && typ == "SQS":
		f.add(id+"Queue", "AWS::SQS::Queue", map[string]any{})
		f.transform.made[f.id+".DestinationQueue"] = id + "Queue"
		to = getAtt(id+"Queue", "Arn")
	case to == nil && typ == "SNS":
		f.add(id+"Topic", "AWS::SNS::Topic", map[string]any{})
		f.transform.made[f.id+".DestinationTopic"] = id + "Topic"
		to = ref(id + "Topic")
	case to == nil:
		f.invalid("Destination is required if Type is not ['SQS', 'SNS']")
	case intrinsic(to) == "Fn::If":
		f.invalid("the simulator's transform makes no destination by the condition of %s.Destination", name)
	}
	f.role.inline = append(f.role.inline, allowed(id+needs[1], needs[0], to))
	return to
}
