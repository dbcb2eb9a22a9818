package sam

// called is what a rule or schedule calls: a function or a state machine.
type called struct {
	*maker
	target
	id     string // logical id of the rule
	suffix string // of the id of the rule's target
	// permit lets a rule call the target; where it is nil, the rule calls with a
	// role.
	permit   func(id, service string, more map[string]any)
	action   string // that starts the target
	policy   string // end of the name of the policy for it
	boundary any    // of permissions, of roles that are made
	p        *properties
}

func (e *event) called() *called {
	return &called{
		maker: e.maker, target: e.target, id: e.id, suffix: "LambdaTarget", permit: e.permit, p: e.p,
		action: "lambda:InvokeFunction", policy: "LambdaPolicy",
	}
}

func (e *event) schedule()  { e.called().schedule() }
func (e *event) rule()      { e.called().rule() }
func (e *event) scheduler() { e.called().scheduler() }

// schedule makes a rule that fires at times.
func (c *called) schedule() {
	rule := map[string]any{"ScheduleExpression": c.p.require("Schedule")}
	c.p.copy(rule, "Name", "Description")
	c.fires(rule, "Input")
}

// rule makes a rule that fires on events.
func (c *called) rule() {
	rule := map[string]any{"EventPattern": c.p.require("Pattern")}
	c.p.copy(rule, "EventBusName")
	if name := c.p.take("RuleName"); name != nil {
		rule["Name"] = name
	}
	c.fires(rule, "Input", "InputPath", "InputTransformer")
}

// fires completes a rule with its state, its target, and the right to call it.
func (c *called) fires(rule map[string]any, inputs ...string) {
	state := c.p.take("State")
	enabled, given := c.p.flag("Enabled")
	switch {
	case state != nil && given:
		c.invalid("State and Enabled Properties cannot both be specified.")
	case state != nil:
		rule["State"] = state
	case enabled:
		rule["State"] = "ENABLED"
	case given:
		rule["State"] = "DISABLED"
	}
	target := map[string]any{"Arn": c.arn(), "Id": short(c.id, c.suffix)}
	if p := c.p.properties("Target"); p != nil {
		target["Id"] = p.require("Id")
		p.end()
	}
	c.p.copy(target, append(inputs, "RetryPolicy")...)
	if arn := c.deadLetters(true); arn != nil {
		target["DeadLetterConfig"] = map[string]any{"Arn": arn}
	}
	if c.permit != nil {
		c.permit(c.id+"Permission", "events.amazonaws.com", map[string]any{"SourceArn": getAtt(c.id, "Arn")})
	} else if target["RoleArn"] = c.p.take("RoleArn"); target["RoleArn"] == nil {
		target["RoleArn"] = c.role("events.amazonaws.com", c.id+"Role", nil)
	}
	rule["Targets"] = []any{target}
	c.add(c.id, "AWS::Events::Rule", rule)
}

// short keeps the id of a target within 64 characters.
func short(id, suffix string) string { return id[:min(len(id), 64-len(suffix))] + suffix }

// role makes the role with which a service starts the target.
func (c *called) role(service, policyPrefix string, more []any) any {
	r := &role{m: c.maker, trust: trust(service), boundary: c.boundary}
	r.inline = append([]any{allowed(policyPrefix+c.policy, c.action, c.arn())}, more...)
	return r.add(c.id + "Role")
}

// scheduler makes a schedule of EventBridge Scheduler.
func (c *called) scheduler() {
	schedule := map[string]any{"ScheduleExpression": c.p.require("ScheduleExpression"), "FlexibleTimeWindow": map[string]any{"Mode": "OFF"}}
	c.p.copy(schedule, "FlexibleTimeWindow", "State", "Description", "StartDate", "EndDate", "ScheduleExpressionTimezone", "GroupName", "KmsKeyArn", "Name")
	if omit, _ := c.p.flag("OmitName"); omit && schedule["Name"] != nil {
		c.invalid("Name cannot be set when OmitName is True")
	} else if schedule["Name"] == nil && !omit {
		schedule["Name"] = c.id
	}
	target := map[string]any{"Arn": c.arn()}
	c.p.copy(target, "Input", "RetryPolicy", "RoleArn")
	c.boundary = c.p.take("PermissionsBoundary")
	var more []any
	if arn := c.deadLetters(false); arn != nil {
		target["DeadLetterConfig"] = map[string]any{"Arn": arn}
		more = append(more, allowed(c.id+"SQSPolicy", "sqs:SendMessage", arn))
	}
	if target["RoleArn"] == nil {
		target["RoleArn"] = c.role("scheduler.amazonaws.com", c.id, more)
	}
	schedule["Target"] = target
	c.add(c.id, "AWS::Scheduler::Schedule", schedule)
}

// deadLetters is the queue for what could not be delivered; one of the type
// SQS is made, with the right to send to it where the sender is a rule.
func (c *called) deadLetters(rule bool) any {
	p := c.p.properties("DeadLetterConfig")
	if p == nil {
		return nil
	}
	defer p.end()
	arn, typ, queue := p.take("Arn"), p.take("Type"), p.literal("QueueLogicalId")
	switch {
	case arn != nil && typ != nil:
		c.invalid("You can either define 'Arn' or 'Type' property of DeadLetterConfig.")
	case arn != nil:
		return arn
	case typ == nil:
		c.invalid("No 'Arn' or 'Type' property provided for DeadLetterConfig.")
	case typ != "SQS":
		c.invalid("The only valid value for 'Type' property of DeadLetterConfig is 'SQS'.")
	}
	if queue == "" {
		queue = c.id + "Queue"
	}
	c.add(queue, "AWS::SQS::Queue", map[string]any{})
	if rule {
		c.add(c.id+"QueuePolicy", "AWS::SQS::QueuePolicy", map[string]any{"Queues": []any{ref(queue)}, "PolicyDocument": map[string]any{
			"Version": "2012-10-17", "Statement": []any{map[string]any{
				"Effect": "Allow", "Principal": map[string]any{"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
				"Resource": getAtt(queue, "Arn"), "Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": getAtt(c.id, "Arn")}},
			}},
		}})
	}
	return getAtt(queue, "Arn")
}
