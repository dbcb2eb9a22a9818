package assembly

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// entry is one piece of metadata of a construct.
type entry struct {
	Type  string          `json:"type"`
	Data  json.RawMessage `json:"data"`
	Trace json.RawMessage `json:"trace"` // of older versions of the CDK, in their debug mode
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
	stack.constructs, stack.sources = map[string][]string{}, map[string]string{}
	for _, path := range slices.Sorted(maps.Keys(metadata)) {
		for _, e := range metadata[path] {
			if err := f.learn(base, stack, strings.TrimPrefix(path, "/"), e); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(stack.Messages, func(a, b Message) int {
		return strings.Compare(a.Path+"\x00"+a.Text, b.Path+"\x00"+b.Text)
	})
	return nil
}

func (f *folder) learn(base string, s *Stack, path string, e entry) error {
	if line := userLine(e.Trace); line != "" && s.sources[path] == "" {
		s.sources[path] = line
	}
	switch e.Type {
	case "aws:cdk:creationStack":
		if line := userLine(e.Data); line != "" {
			s.sources[path] = line
		}
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
		asset, err := f.legacyAsset(base, e.Data)
		if err != nil {
			return fmt.Errorf("asset of %s: %w", path, err)
		}
		s.Legacy = append(s.Legacy, asset)
	}
	return nil
}

// frame is the place in a line of a stack trace, such as "new Api (/shop/lib/api.ts:12:5)".
var frame = regexp.MustCompile(`(?:^|[(\s])(?:file://)?(/[^():]*):(\d+)(?::\d+)?\)?$`)

// userLine gives "file:line" of the first line of a stack trace that is the
// app's own, or "". What the CDK leaves out of a trace stands there in dots.
func userLine(trace json.RawMessage) string {
	var lines []string
	if json.Unmarshal(trace, &lines) != nil {
		return ""
	}
	for _, line := range lines {
		found := frame.FindStringSubmatch(strings.TrimSpace(line))
		if found == nil || strings.Contains(found[1], "/node_modules/") || strings.Contains(found[1], "jsii") {
			continue
		}
		file, err := url.PathUnescape(found[1])
		if err != nil {
			file = found[1]
		}
		return file + ":" + found[2]
	}
	return ""
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

// Source gives "file:line" of the app's code that made the construct with that
// path, or else of the nearest construct around it; "" if the app does not tell.
// The file is absolute, on the machine where the app ran.
func (s Stack) Source(path string) string {
	for path != "" {
		if line := s.sources[path]; line != "" {
			return line
		}
		path = path[:max(strings.LastIndex(path, "/"), 0)]
	}
	return ""
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

// Problems gives an error for what cannot be used of the stacks, or else one for
// all annotations that stop a deployment, or nil.
func Problems(stacks []Stack) error {
	for _, stack := range stacks {
		if stack.Err != nil {
			return fmt.Errorf("stack %q: %w", stack.Path, stack.Err)
		}
	}
	var lines []string
	for _, stack := range stacks {
		for _, message := range stack.Messages {
			if message.Level == Failure {
				line := fmt.Sprintf("%s: %s", message.Path, message.Text)
				if message.Source != "" {
					line += " (" + message.Source + ")"
				}
				lines = append(lines, line)
			}
		}
	}
	if lines == nil {
		return nil
	}
	return wrongf("fix these constructs in the CDK app", "the CDK app reports errors:\n  %s", strings.Join(lines, "\n  "))
}
