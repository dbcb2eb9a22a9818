package assembly

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// The types here mirror the JSON of the cloud assembly schema, as far as a
// deployment needs it.

const (
	typeStack    = "aws:cloudformation:stack"
	typeAssets   = "cdk:asset-manifest"
	typeAssembly = "cdk:cloud-assembly"
	typeFlags    = "cdk:feature-flag-report"

	unknownAccount = "unknown-account"
	unknownRegion  = "unknown-region"
)

type manifest struct {
	Version           string            `json:"version"`
	MinimumCLIVersion string            `json:"minimumCliVersion"`
	Artifacts         ordered[artifact] `json:"artifacts"`
	Missing           []Missing         `json:"missing"`
}

type artifact struct {
	Type         string             `json:"type"`
	Environment  string             `json:"environment"`
	Properties   json.RawMessage    `json:"properties"`
	Dependencies []string           `json:"dependencies"`
	DisplayName  string             `json:"displayName"`
	Metadata     map[string][]entry `json:"metadata"`
	MetadataFile string             `json:"additionalMetadataFile"`

	err error // from decoding
}

// UnmarshalJSON keeps an error in the artifact, as the deployment may not need it.
func (a *artifact) UnmarshalJSON(src []byte) error {
	type plain artifact
	a.err = json.Unmarshal(src, (*plain)(a))
	return nil
}

type flagsProperties struct {
	Flags map[string]struct {
		Value   any `json:"userValue"`
		Implied struct {
			V2 any `json:"v2"`
		} `json:"unconfiguredBehavesLike"`
	} `json:"flags"`
}

type stackProperties struct {
	StackName             string            `json:"stackName"`
	TemplateFile          string            `json:"templateFile"`
	TemplateURL           string            `json:"stackTemplateAssetObjectUrl"`
	Parameters            map[string]string `json:"parameters"`
	Tags                  stackTags         `json:"tags"`
	NotificationARNs      []string          `json:"notificationArns"`
	TerminationProtection bool              `json:"terminationProtection"`
	assumeRole
	ExecutionRole string `json:"cloudFormationExecutionRoleArn"`
	LookupRole    struct {
		ARN        string        `json:"arn"`
		ExternalID string        `json:"assumeRoleExternalId"`
		Options    assumeOptions `json:"assumeRoleAdditionalOptions"`
	} `json:"lookupRole"`
	bootstrapProperties
}

// stackTags are the tags of a stack. CloudFormation receives them as plain text
// apart from the template, so that they cannot have references.
type stackTags map[string]string

// UnmarshalJSON rejects a tag that is a token.
func (t *stackTags) UnmarshalJSON(src []byte) error {
	var all map[string]any
	if err := json.Unmarshal(src, &all); err != nil {
		return fmt.Errorf("tags: %w", err)
	}
	tags := stackTags{}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		text, isText := all[key].(string)
		if !isText {
			return tokenTag(key, all[key])
		}
		tags[key] = text
	}
	if all != nil {
		*t = tags
	}
	return nil
}

func tokenTag(key string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("the stack tag %q: %w", key, err)
	}
	return wrongf("use plain text as the tag's value, or do not apply it to stacks: Tags.of(scope).add(key, value, { excludeResourceTypes: ['aws:cdk:stack'] })",
		"the stack tag %q is a token (%.200s), but CloudFormation does not resolve references in a stack's tags", key, text)
}

type bootstrapProperties struct {
	MinVersion int    `json:"requiresBootstrapStackVersion"`
	Parameter  string `json:"bootstrapStackVersionSsmParameter"`
}

type assetsProperties struct {
	File string `json:"file"`
	bootstrapProperties
}

type assemblyProperties struct {
	Directory string `json:"directoryName"`
}

// assumeRole has the common properties of stacks and asset destinations.
type assumeRole struct {
	ARN        string        `json:"assumeRoleArn"`
	ExternalID string        `json:"assumeRoleExternalId"`
	Options    assumeOptions `json:"assumeRoleAdditionalOptions"`
}

func (r assumeRole) role() Role {
	return Role{ARN: r.ARN, ExternalID: r.ExternalID, Tags: r.Options.tags()}
}

// assumeOptions are arguments of STS AssumeRole. Only session tags are supported.
type assumeOptions struct {
	Tags []struct{ Key, Value string } `json:"Tags"`
	// TransitiveTagKeys is accepted, as all tags are transitive, as in the CDK CLI.
	TransitiveTagKeys []string `json:"TransitiveTagKeys"`
}

func (o *assumeOptions) UnmarshalJSON(src []byte) error {
	type plain assumeOptions
	decoder := json.NewDecoder(bytes.NewReader(src))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode((*plain)(o)); err != nil {
		return fmt.Errorf("assumeRoleAdditionalOptions: only session tags are supported: %w", err)
	}
	return nil
}

func (o assumeOptions) tags() map[string]string {
	if len(o.Tags) == 0 {
		return nil
	}
	tags := map[string]string{}
	for _, tag := range o.Tags {
		tags[tag.Key] = tag.Value
	}
	return tags
}

var environmentForm = regexp.MustCompile(`^aws://([A-Za-z0-9@._-]+)/([a-z0-9-]+)$`)

func parseEnvironment(text string) (Environment, error) {
	parts := environmentForm.FindStringSubmatch(text)
	if parts == nil {
		return Environment{}, fmt.Errorf("environment %q does not have the form aws://account/region", text)
	}
	env := Environment{Account: parts[1], Region: parts[2]}
	if env.Account == unknownAccount {
		env.Account = ""
	}
	if env.Region == unknownRegion {
		env.Region = ""
	}
	return env, nil
}

// ordered is a JSON object that keeps the order of its keys.
type ordered[T any] struct {
	keys   []string
	values map[string]T
}

func (o *ordered[T]) UnmarshalJSON(src []byte) error {
	if err := json.Unmarshal(src, &o.values); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(src))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		if !seen[key] {
			o.keys = append(o.keys, key)
		}
		seen[key] = true
		var skipped json.RawMessage
		if err := decoder.Decode(&skipped); err != nil {
			return err
		}
	}
	return nil
}
