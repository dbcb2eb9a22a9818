package sam

// httpAuth says in the definition of an HTTP API who may call it.
func (m *maker) httpAuth(a *api) {
	all := a.authorizers((*authorizers).http)
	byDefault, signing := "", false
	if a.auth != nil {
		byDefault = a.auth.text("DefaultAuthorizer")
		signing, _ = a.auth.flag("EnableIamAuthorizer")
		a.auth.end()
	}
	if signing {
		all.schemes[iam] = signed()
	} else {
		a.refuseSigning(byDefault)
	}
	all.secure(byDefault, func(string) bool { return false })
	all.declare()
}

// refuseSigning refuses that callers sign where the API does not allow it.
func (a *api) refuseSigning(byDefault string) {
	const reason = "Unable to set %s because 'AWS_IAM' needs 'EnableIamAuthorizer: true' in Auth of the API."
	if byDefault == iam {
		a.maker.invalid(reason, "DefaultAuthorizer")
	}
	for _, c := range a.calls {
		if c.authorizer == iam {
			c.event.maker.event = c.event.name
			c.event.invalid(reason, "Authorizer")
			c.event.maker.event = ""
		}
	}
}

// http is the security scheme of an authorizer of an HTTP API.
func (a *authorizers) http(name string, p *properties) map[string]any {
	if p.values["FunctionArn"] != nil || p.values["AuthorizerPayloadFormatVersion"] != nil {
		return a.httpFunction(name, p)
	}
	made := map[string]any{"type": "jwt"}
	jwt := p.properties("JwtConfiguration")
	source := p.take("IdentitySource")
	if jwt == nil || source == nil {
		a.api.maker.invalid("%s OAuth2 Authorizer must define 'JwtConfiguration' and 'IdentitySource'.", name)
		return nil
	}
	configuration := map[string]any{}
	for from, to := range map[string]string{"issuer": "issuer", "Issuer": "issuer", "audience": "audience", "Audience": "audience"} {
		if value := jwt.take(from); value != nil {
			configuration[to] = value
		}
	}
	jwt.end()
	made["jwtConfiguration"], made["identitySource"] = configuration, source
	return map[string]any{"type": "oauth2", authorization: made}
}

func (a *authorizers) httpFunction(name string, p *properties) map[string]any {
	m := a.api.maker
	function, version := p.require("FunctionArn"), p.version("AuthorizerPayloadFormatVersion")
	if version == "" {
		m.invalid("%s Lambda Authorizer must define 'AuthorizerPayloadFormatVersion'.", name)
	}
	made := map[string]any{"type": "request", "authorizerUri": invoked("${AWS::Partition}", function), "authorizerPayloadFormatVersion": version}
	if role := p.take("FunctionInvokeRole"); role != nil && role != noAuthorizer {
		made["authorizerCredentials"] = role
	}
	if simple := p.take("EnableSimpleResponses"); simple != nil {
		made["enableSimpleResponses"] = simple
	}
	if identity := p.properties("Identity"); identity != nil {
		if every := identity.take("ReauthorizeEvery"); every != nil {
			made["authorizerResultTtlInSeconds"] = every
		}
		if sources := identity.sources("$request.header.", "$request.querystring.", "$stageVariables.", "$context."); sources != "" {
			made["identitySource"] = sources
		}
		identity.end()
	}
	if permit, _ := p.flag("EnableFunctionDefaultPermissions"); permit {
		m.permitAuthorizer(name, "${AWS::Partition}", function)
	}
	return map[string]any{"type": "apiKey", "name": "Unused", "in": "header", authorization: made}
}
