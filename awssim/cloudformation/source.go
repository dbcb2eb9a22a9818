package cloudformation

import (
	"cmp"
	"context"
	"regexp"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

const (
	maxInline = 51_200
	maxByURL  = 1_000_000
)

// source returns the text of the template that a call contains or refers to.
func (e *Engine) source(ctx context.Context, c call, previous *version) (string, error) {
	body, url := c.form.text("TemplateBody"), c.form.text("TemplateURL")
	again := c.form.flag("UsePreviousTemplate")
	switch {
	case again && (body != "" || url != ""), body != "" && url != "":
		return "", invalidf("Template body, template URL and UsePreviousTemplate exclude each other.")
	case again && previous == nil:
		return "", invalidf("UsePreviousTemplate needs a stack that has a template.")
	case again:
		return previous.Template, nil
	case url != "":
		return e.fetch(ctx, c.Scope, c.caller, url)
	case body == "":
		return "", invalidf("Either Template URL or Template Body must be specified.")
	case len(body) > maxInline:
		return "", invalidf("1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", maxInline)
	}
	return body, nil
}

func (e *Engine) fetch(ctx context.Context, scope Scope, caller, url string) (string, error) {
	if body, ok := template.FromRepository(url); ok {
		return body, nil
	}
	text, err := e.host.Template(ctx, scope, caller, url)
	if err != nil {
		return "", err
	}
	if len(text) > maxByURL {
		return "", invalidf("Template may not exceed %d bytes in size.", maxByURL)
	}
	return string(text), nil
}

// prepare reads from a call what a stack shall become and checks it as far as
// that is possible without touching anything: template, parameters, rules,
// capabilities, role. What the call leaves out stays as it was.
func (e *Engine) prepare(ctx context.Context, c call, previous *version) (version, error) {
	body, err := e.source(ctx, c, previous)
	if err != nil {
		return version{}, err
	}
	v := version{Template: body, Caller: c.caller, Capabilities: c.form.texts("Capabilities")}
	inherit(&v, c, previous)
	if err := cmp.Or(checkNotifications(v.Notifications), v.Rollback.check()); err != nil {
		return v, err
	}
	parsed, err := v.settle(c.Scope, c.form.text("StackName"), c.form.arguments(), e.store(c.Scope), e.include(ctx, c.Scope, v))
	if err != nil {
		return v, err
	}
	if err := checkVocabulary(parsed); err != nil {
		return v, err
	}
	if lacking := parsed.Lacking(c.acknowledged()); len(lacking) > 0 {
		return v, refusal("InsufficientCapabilitiesException", "Requires capabilities : %v", lacking)
	}
	if role := c.form.text("RoleARN"); role != "" {
		if err := e.host.CheckRole(c.Scope, c.caller, role); err != nil {
			return v, err
		}
	}
	env := &template.Env{Template: parsed, Arguments: v.Arguments, Pseudo: pseudo(c.Scope, v, "", "")}
	if _, err := env.Conditions(); err != nil {
		return v, err
	}
	return v, env.CheckRules()
}

// acknowledged are the capabilities of a call. A change set shows what a
// transform leads to, and needs no acknowledgement for it.
func (c call) acknowledged() []string {
	capabilities := c.form.texts("Capabilities")
	if c.form.has("ChangeSetName") {
		return append(capabilities, "CAPABILITY_AUTO_EXPAND")
	}
	return capabilities
}

// inherit takes what the call says, and else what was before.
func inherit(v *version, c call, previous *version) {
	if previous != nil {
		v.Arguments, v.Tags, v.Notifications = previous.Arguments, previous.Tags, previous.Notifications
		v.RoleARN, v.Rollback = previous.RoleARN, previous.Rollback
	}
	if c.form.given("Tags") {
		v.Tags = c.form.tags()
	}
	if c.form.given("NotificationARNs") {
		v.Notifications = c.form.texts("NotificationARNs")
	}
	c.form.rollback(&v.Rollback)
	if role := c.form.text("RoleARN"); role != "" {
		v.RoleARN = role
	}
}

// parameterVersion ends a reference to one version of an SSM parameter.
var parameterVersion = regexp.MustCompile(`:\d+$`)

// store reads SSM parameters of a scope. The host knows the newest version of
// each, which stands for any version that is asked for.
func (e *Engine) store(scope Scope) template.Store {
	return func(name string) (string, string, error) {
		return e.host.Parameter(scope, parameterVersion.ReplaceAllString(name, ""))
	}
}

// pseudo are the pseudo parameters.
func pseudo(scope Scope, v version, name, id string) map[string]any {
	notifications := []any{}
	for _, arn := range v.Notifications {
		notifications = append(notifications, arn)
	}
	return map[string]any{
		"AWS::AccountId":        scope.Account,
		"AWS::NotificationARNs": notifications,
		"AWS::Partition":        scope.Partition,
		"AWS::Region":           scope.Region,
		"AWS::StackId":          id,
		"AWS::StackName":        name,
		"AWS::URLSuffix":        scope.domain(),
	}
}
