package sam

import "strings"

// restAuth says in the definition of a REST API who may call it. The result
// makes keys and plans of usage, once the stage is there.
func (m *maker) restAuth(a *api) (keys func(stage string)) {
	keys = func(string) {}
	if a.auth != nil && a.body == nil {
		m.invalid("Auth works only with inline Swagger specified in 'DefinitionBody' property.")
		return keys
	}
	all := a.authorizers((*authorizers).rest)
	byDefault, role, preflight, keyRequired, keyPreflight := "", any(nil), true, false, true
	if p := a.auth; p != nil {
		byDefault, role = p.text("DefaultAuthorizer"), p.take("InvokeRole")
		if holds, given := p.flag("AddDefaultAuthorizerToCorsPreflight"); given {
			preflight = holds
		}
		keyRequired, _ = p.flag("ApiKeyRequired")
		if holds, given := p.flag("AddApiKeyRequiredToCorsPreflight"); given {
			keyPreflight = holds
		}
		keys = m.usagePlan(p.properties("UsagePlan"))
		m.resourcePolicy(a, p.properties("ResourcePolicy"))
		p.end()
	}
	all.secure(byDefault, func(method string) bool { return method == "options" && !preflight })
	a.credentials(byDefault, role)
	all.keys(keyRequired, func(method string) bool { return method == "options" && !keyPreflight })
	all.declare()
	return keys
}

// rest is the security scheme of an authorizer of a REST API.
func (a *authorizers) rest(name string, p *properties) map[string]any {
	m := a.api.maker
	pool, function := p.take("UserPoolArn"), p.take("FunctionArn")
	identity := p.properties("Identity")
	if identity == nil {
		identity = m.properties(p.path+"Identity", map[string]any{})
	}
	defer identity.end()
	scheme := map[string]any{"type": "apiKey", "name": "Authorization", "in": "header", authType: "custom"}
	made := map[string]any{}
	scheme[authorization] = made
	switch {
	case pool != nil:
		scheme[authType] = "cognito_user_pools"
		made["type"], made["providerARNs"] = "cognito_user_pools", listOf(pool)
		token(identity, scheme, made)
	case function != nil:
		made["authorizerUri"] = invoked(m.Partition, function)
		if role := p.take("FunctionInvokeRole"); role != nil && role != noAuthorizer {
			made["authorizerCredentials"] = role
		}
		every := identity.take("ReauthorizeEvery")
		if every != nil {
			made["authorizerResultTtlInSeconds"] = every
		}
		switch payload := p.text("FunctionPayloadType"); payload {
		case "", "TOKEN":
			made["type"] = "token"
			token(identity, scheme, made)
		case "REQUEST":
			made["type"], scheme["name"] = "request", "Unused"
			sources := identity.sources("method.request.header.", "method.request.querystring.", "stageVariables.", "context.")
			if sources != "" {
				made["identitySource"] = sources
			} else if number, ok := m.known(every).(interface{ String() string }); !ok || number.String() != "0" {
				m.invalid("%s Authorizer must specify Identity with at least one of Headers, QueryStrings, StageVariables, or Context.", name)
			}
		default:
			m.invalid("%s Authorizer has invalid 'FunctionPayloadType': %s.", name, payload)
		}
		if disabled, _ := p.flag("DisableFunctionDefaultPermissions"); !disabled {
			m.permitAuthorizer(name, m.Partition, function)
		}
	default:
		m.invalid("Authorizer [%s] needs 'UserPoolArn' or 'FunctionArn'.", name)
	}
	return scheme
}

// token reads the header that identifies a caller.
func token(identity *properties, scheme, made map[string]any) {
	if header := identity.text("Header"); header != "" {
		scheme["name"] = header
	}
	if expression := identity.take("ValidationExpression"); expression != nil {
		made["identityValidationExpression"] = expression
	}
}

// callerCredentials make API Gateway call a function as the caller.
const callerCredentials = "arn:aws:iam::*:user/*"

// credentials sets as whom API Gateway calls the functions of methods whose
// callers sign their requests.
func (a *api) credentials(byDefault string, role any) {
	for _, c := range a.calls {
		if c.authorizer != iam && (c.authorizer != "" || byDefault != iam) {
			continue
		}
		as := c.invokeRole
		if c.asUsual {
			as = role
		}
		switch as {
		case nil, "CALLER_CREDENTIALS":
			as = callerCredentials
		case noAuthorizer:
			continue
		}
		c.integration["credentials"] = as
	}
}

// keys makes methods ask for a key.
func (a *authorizers) keys(byDefault bool, except func(method string) bool) {
	a.api.methods(func(name string, definition map[string]any) {
		required := byDefault && !except(name)
		if c := a.api.callOf(definition); c != nil && c.keyRequired != nil {
			required = c.keyRequired == true
		}
		if required {
			security, _ := definition["security"].([]any)
			definition["security"] = unlike(security, map[string]any{apiKey: []any{}})
			a.schemes[apiKey] = map[string]any{"type": "apiKey", "name": "x-api-key", "in": "header"}
		}
	})
}

// usagePlan makes a key, and a plan of usage that it belongs to.
func (m *maker) usagePlan(p *properties) func(stage string) {
	none := func(string) {}
	if p == nil {
		return none
	}
	defer p.end()
	plan := map[string]any{}
	p.copy(plan, "Description", "Quota", "Tags", "Throttle", "UsagePlanName")
	switch kind := p.text("CreateUsagePlan"); kind {
	case "PER_API":
		return func(stage string) { m.makeUsagePlan(plan, stage) }
	case noAuthorizer:
	case "SHARED":
		m.invalid("the simulator's transform does not support 'CreateUsagePlan' SHARED: 'PER_API' or 'NONE'")
	default:
		m.invalid("'CreateUsagePlan' is required, and must be one of ['NONE', 'PER_API', 'SHARED'].")
	}
	return none
}

func (m *maker) makeUsagePlan(plan map[string]any, stage string) {
	planID, keyID := m.id+"UsagePlan", m.id+"ApiKey"
	plan["ApiStages"] = []any{map[string]any{"ApiId": ref(m.id), "Stage": ref(stage)}}
	m.add(planID, "AWS::ApiGateway::UsagePlan", plan)["DependsOn"] = []any{m.id}
	m.add(keyID, "AWS::ApiGateway::ApiKey", map[string]any{
		"Enabled": true, "StageKeys": []any{map[string]any{"RestApiId": ref(m.id), "StageName": ref(stage)}},
	})["DependsOn"] = []any{planID}
	m.add(m.id+"UsagePlanKey", "AWS::ApiGateway::UsagePlanKey", map[string]any{
		"KeyId": ref(keyID), "KeyType": "API_KEY", "UsagePlanId": ref(planID),
	})["DependsOn"] = []any{keyID}
	for _, id := range []string{planID, keyID, m.id + "UsagePlanKey"} {
		name := strings.TrimPrefix(id, m.id)
		m.transform.made[m.id+"."+name] = id
	}
}

// resourcePolicy writes a policy into the definition.
func (m *maker) resourcePolicy(a *api, p *properties) {
	if p == nil {
		return
	}
	defer p.end()
	statements := p.list("CustomStatements")
	for _, list := range []struct {
		property, condition string
	}{{"IpRangeWhitelist", "NotIpAddress"}, {"IpRangeBlacklist", "IpAddress"}} {
		ranges := p.list(list.property)
		if len(ranges) == 0 {
			continue
		}
		statements = append(statements, everyone("Allow", nil), everyone("Deny", map[string]any{
			list.condition: map[string]any{"aws:SourceIp": ranges},
		}))
	}
	if len(statements) > 0 {
		a.body["x-amazon-apigateway-policy"] = map[string]any{"Version": "2012-10-17", "Statement": statements}
	}
}

// everyone is a statement about all callers of all methods.
func everyone(effect string, condition map[string]any) map[string]any {
	statement := map[string]any{"Effect": effect, "Action": "execute-api:Invoke", "Principal": "*", "Resource": []any{"execute-api:/*"}}
	if condition != nil {
		statement["Condition"] = condition
	}
	return statement
}
