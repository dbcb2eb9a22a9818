package assembly

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// entry is one piece of metadata of a construct.
type entry struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// acknowledgement is the tag with which the CDK lets people silence a warning.
var acknowledgement = regexp.MustCompile(`\s*\[ack: [^\]]+\]`)

// readMetadata fills in what the stack's metadata tells: its annotations and
// the construct path of each of its logical ids.
func (f *folder) readMetadata(base string, art artifact, stack *Stack) error {
	metadata := map[string][]entry{}
	if art.MetadataFile != "" {
		if err := f.readJSON(base, art.MetadataFile, &metadata); err != nil {
			return err
		}
	}
	for path, entries := range art.Metadata {
		metadata[path] = append(metadata[path], entries...)
	}
	stack.constructs = map[string][]string{}
	for path, entries := range metadata {
		for _, e := range entries {
			stack.learn(strings.TrimPrefix(path, "/"), e)
		}
	}
	slices.SortFunc(stack.Messages, func(a, b Message) int {
		return strings.Compare(a.Path+"\x00"+a.Text, b.Path+"\x00"+b.Text)
	})
	return nil
}

func (s *Stack) learn(path string, e entry) {
	switch e.Type {
	case "aws:cdk:logicalId":
		id := text(e.Data)
		s.constructs[id] = append(s.constructs[id], path)
	case "aws:cdk:info":
		s.note(Info, path, text(e.Data))
	case "aws:cdk:warning":
		s.note(Warning, path, text(e.Data))
	case "aws:cdk:error":
		s.note(Failure, path, text(e.Data))
	case "aws:cdk:asset":
		s.note(Failure, path, "this asset is of the legacy stack synthesizer, which cannot be published: use the DefaultStackSynthesizer")
	}
}

func (s *Stack) note(level Level, path, text string) {
	s.Messages = append(s.Messages, Message{Level: level, Path: path, Text: strings.TrimSpace(acknowledgement.ReplaceAllString(text, ""))})
}

func text(data json.RawMessage) string {
	var plain string
	if json.Unmarshal(data, &plain) == nil {
		return plain
	}
	return string(data)
}

// ConstructPath gives the path of the construct behind a logical id, such as
// "ApiStack/Orders/Resource", or "" if the metadata does not tell. Nested holds
// the logical ids of the nested stacks that lead to it, the outermost first.
func (s Stack) ConstructPath(nested []string, logicalID string) string {
	scope := ""
	for _, id := range nested {
		// A nested stack's resource lies beside its scope: "Api/Jobs.NestedStack/Jobs.NestedStackResource" for "Api/Jobs".
		before, _, found := strings.Cut(first(s.constructs[id], scope), ".NestedStack/")
		if !found {
			return ""
		}
		scope = before + "/"
	}
	return first(s.constructs[logicalID], scope)
}

func first(paths []string, prefix string) string {
	best := ""
	for _, path := range paths {
		if strings.HasPrefix(path, prefix) && (best == "" || len(path) < len(best)) {
			best = path
		}
	}
	return best
}

// Problems gives one error for all annotations that stop a deployment, or nil.
func Problems(stacks []Stack) error {
	var lines []string
	for _, stack := range stacks {
		for _, message := range stack.Messages {
			if message.Level == Failure {
				lines = append(lines, fmt.Sprintf("%s: %s", message.Path, message.Text))
			}
		}
	}
	if lines == nil {
		return nil
	}
	return wrongf("mend these constructs in the CDK app", "the CDK app reports errors:\n  %s", strings.Join(lines, "\n  "))
}
