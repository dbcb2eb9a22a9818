package sam

import (
	"regexp"
	"strings"
)

// resolve replaces what refers to made resources by the names that they may be
// called by: Ref F.Version, Fn::GetAtt [F.Alias, Arn] and ${Api.Stage} in Fn::Sub.
func resolve(value any, made map[string]string) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			resolve(item, made)
		}
	case map[string]any:
		for key, member := range v {
			v[key] = resolved(key, member, made)
			resolve(v[key], made)
		}
	}
}

// dependencies replaces what resources depend on.
func dependencies(resources map[string]any, made map[string]string) {
	for _, member := range resources {
		resource, _ := member.(map[string]any)
		list := listOf(resource["DependsOn"])
		for i, name := range list {
			if text, _ := name.(string); made[text] != "" {
				list[i] = made[text]
				resource["DependsOn"] = list
			}
		}
	}
}

func resolved(function string, argument any, made map[string]string) any {
	switch function {
	case "Ref":
		if text, _ := argument.(string); made[text] != "" {
			return made[text]
		}
	case "Fn::GetAtt":
		return resolvedAttribute(argument, made)
	case "Fn::Sub":
		if text, ok := argument.(string); ok {
			return resolvedText(text, made)
		}
		if parts, ok := argument.([]any); ok && len(parts) > 0 {
			if text, ok := parts[0].(string); ok {
				parts[0] = resolvedText(text, made)
			}
		}
	}
	return argument
}

func resolvedAttribute(argument any, made map[string]string) any {
	switch v := argument.(type) {
	case []any:
		if len(v) == 2 {
			if text, _ := v[0].(string); made[text] != "" {
				return []any{made[text], v[1]}
			}
			// [F, Alias.Arn], as the short form in YAML is read
			id, _ := v[0].(string)
			name, _ := v[1].(string)
			if property, attribute, found := strings.Cut(name, "."); found && made[id+"."+property] != "" {
				return []any{made[id+"."+property], attribute}
			}
		}
	case string:
		for name, id := range made {
			if rest, found := strings.CutPrefix(v, name+"."); found {
				return id + "." + rest
			}
		}
	}
	return argument
}

// variables are what Fn::Sub replaces.
var variables = regexp.MustCompile(`\$\{([A-Za-z0-9]+)((?:\.[A-Za-z0-9]+)?)((?:\.[A-Za-z0-9.]+)?)\}`)

func resolvedText(text string, made map[string]string) string {
	return variables.ReplaceAllStringFunc(text, func(variable string) string {
		parts := variables.FindStringSubmatch(variable)
		if id := made[parts[1]+parts[2]]; id != "" && parts[2] != "" {
			return "${" + id + parts[3] + "}"
		}
		if id := made[parts[1]]; id != "" {
			return "${" + id + parts[2] + parts[3] + "}"
		}
		return variable
	})
}
