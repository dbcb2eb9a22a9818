package infra

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Follow returns the template with which the pipeline updates its own stack: the rendered
// one of a commit, with the permissions of the installed one, as only a person changes
// permissions. Those that the commit no longer needs stay, and so does what follows from
// the accounts. The error names all other permissions that the commit adds or changes.
func Follow(rendered, installed []byte) ([]byte, error) {
	var next, now map[string]any
	if err := json.Unmarshal(rendered, &next); err != nil {
		return nil, fmt.Errorf("reading the rendered template: %w", err)
	}
	if err := json.Unmarshal(installed, &now); err != nil {
		return nil, errs.Invalidf("the template of the pipeline's stack is not the pipeline's: %w", err).WithHint("%s", personFix)
	}
	resources, _ := next["Resources"].(object)
	before, _ := now["Resources"].(object)
	var differ []string
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		if !grants(resources[id]) {
			continue
		}
		known, exists := before[id]
		if !exists || !ofAccounts(id) && !covers(known, resources[id]) {
			differ = append(differ, id)
		}
	}
	for id, resource := range before {
		if grants(resource) {
			resources[id] = resource
		}
	}
	if differ != nil {
		return nil, errs.Invalidf("the commit changes permissions of the pipeline in AWS, which only a person may: %s", strings.Join(differ, ", ")).WithHint("%s", personFix)
	}
	return json.Marshal(next)
}

// covers reports whether a permission of the installed template is that of a commit, or more
// only in that it reads secrets with their keys, or publishes to topics, that the commit no longer needs.
func covers(known, next any) bool {
	switch next := next.(type) {
	case object:
		known, _ := known.(object)
		if names(next) && known["Sid"] == next["Sid"] {
			return reflect.DeepEqual(known["Action"], next["Action"]) && known["Effect"] == next["Effect"] && reflect.DeepEqual(known["Condition"], next["Condition"]) && includes(known["Resource"], next["Resource"])
		}
		for name, value := range next {
			if !covers(known[name], value) {
				return false
			}
		}
		return len(known) == len(next)
	case []any:
		known, _ := known.([]any)
		known = slices.DeleteFunc(slices.Clone(known), func(entry any) bool {
			return names(entry) && !slices.ContainsFunc(next, func(other any) bool { return sidOf(other) == sidOf(entry) })
		})
		return slices.EqualFunc(known, next, covers)
	}
	return reflect.DeepEqual(known, next)
}

func sidOf(statement any) any {
	content, _ := statement.(object)
	return content["Sid"]
}

// names reports whether a statement is about secrets, keys, provenance or topics that the configuration names.
func names(statement any) bool {
	return slices.Contains([]any{sidSecrets, sidParameters, sidTopics, sidDecryptToken, sidDecryptSecrets, sidDecryptParameters, sidSign, sidProvenance, sidPublicKey, sidReleases}, sidOf(statement))
}

func includes(all, some any) bool {
	known, _ := all.([]any)
	wanted, is := some.([]any)
	return is && !slices.ContainsFunc(wanted, func(one any) bool { return !slices.Contains(known, one) })
}

// Narrowed names the permissions of the installed template that the rendered one changes or
// takes away: what holds them already, such as a run in progress, may fail.
func Narrowed(rendered, installed []byte) ([]string, error) {
	var next, now struct{ Resources object }
	if err := json.Unmarshal(rendered, &next); err != nil {
		return nil, fmt.Errorf("reading the rendered template: %w", err)
	}
	if err := json.Unmarshal(installed, &now); err != nil {
		return nil, errs.Invalidf("the template of the pipeline's stack is not the pipeline's: %w", err)
	}
	var narrowed []string
	for _, id := range slices.Sorted(maps.Keys(now.Resources)) {
		if grants(now.Resources[id]) && !reflect.DeepEqual(now.Resources[id], next.Resources[id]) {
			narrowed = append(narrowed, id)
		}
	}
	return narrowed, nil
}

const personFix = "with this commit checked out, and credentials that may create roles: generator bootstrap"

// grants reports whether a resource says what anyone may do.
func grants(resource any) bool {
	content, _ := resource.(object)
	kind, _ := content["Type"].(string)
	return strings.HasPrefix(kind, "AWS::IAM::") || kind == "AWS::S3::BucketPolicy"
}

// ofAccounts reports whether a resource follows from the accounts of the environments.
func ofAccounts(id string) bool {
	return strings.HasPrefix(id, deployerPrefix) || strings.HasPrefix(id, lookupsID)
}
