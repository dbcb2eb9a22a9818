package synth

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// maxEnvironment is the size of the environment, in bytes, from which on the CDK
// CLI passes context in a file (the limit of one string on Linux).
const maxEnvironment = 131072

// appContext merges the context of the app. As in the CLI, cdk.json overrides
// cdk.context.json, which overrides ~/.cdk.json. The context of the caller
// overrides them all, and the switches override everything.
func appContext(top, app string, project, user settings, given map[string]any) (map[string]any, error) {
	context := map[string]any{}
	merge(context, user.Context)
	var saved map[string]any
	if err := readOptional(top, filepath.Join(app, "cdk.context.json"), &saved); err != nil {
		return nil, err
	}
	merge(context, saved)
	merge(context, project.Context)
	merge(context, given)
	merge(context, switches(project))
	return context, nil
}

// switches are the keys that the CLI always sets and that affect templates.
func switches(project settings) map[string]any {
	keys := map[string]any{
		"aws:cdk:bundling-stacks": []string{"**"},
		// The app writes its validation report, and we evaluate it.
		"@aws-cdk/core:failSynthOnValidationErrors": false,
	}
	if isOn(project.PathMetadata) {
		keys["aws:cdk:enable-path-metadata"] = true
	}
	if isOn(project.AssetMetadata) {
		keys["aws:cdk:enable-asset-metadata"] = true
	}
	if isOn(project.VersionReporting) {
		keys["aws:cdk:version-reporting"] = true
	} else {
		keys["aws:cdk:disable-version-reporting"] = true
	}
	return keys
}

func isOn(setting *bool) bool { return setting == nil || *setting }

// merge overrides the values of into with those of from; objects are merged key by key.
func merge(into, from map[string]any) {
	for key, value := range from {
		object, isObject := value.(map[string]any)
		if !isObject {
			into[key] = value
			continue
		}
		below, _ := into[key].(map[string]any)
		merged := maps.Clone(below)
		if merged == nil {
			merged = map[string]any{}
		}
		merge(merged, object)
		into[key] = merged
	}
}

// contextVariables returns the environment variables with the context. What does
// not fit, given the used bytes, goes into a file in dir,
// which the commands have at another place.
func contextVariables(context map[string]any, used int, dir string, place func(string) string) ([]string, error) {
	fits, rest := map[string]any{}, map[string]any{}
	free := maxEnvironment - used
	for _, key := range slices.Sorted(maps.Keys(context)) {
		one, err := json.Marshal(map[string]any{key: context[key]})
		if err != nil {
			return nil, fmt.Errorf("encoding context %q: %w", key, err)
		}
		if len(one) > free {
			rest[key] = context[key]
			continue
		}
		free -= len(one)
		fits[key] = context[key]
	}
	small, err := json.Marshal(fits)
	if err != nil {
		return nil, fmt.Errorf("encoding the context: %w", err)
	}
	variables := []string{"CDK_CONTEXT_JSON=" + string(small)}
	if len(rest) == 0 {
		return variables, nil
	}
	file := filepath.Join(dir, "context-overflow.json")
	large, err := json.Marshal(rest)
	if err != nil {
		return nil, fmt.Errorf("encoding the context: %w", err)
	}
	if err := os.WriteFile(file, large, 0o600); err != nil {
		return nil, fmt.Errorf("writing the context: %w", err)
	}
	return append(variables, "CONTEXT_OVERFLOW_LOCATION_ENV="+place(file)), nil
}
