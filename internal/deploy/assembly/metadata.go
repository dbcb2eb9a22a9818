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

// entry is one metadata entry of a construct.
type entry struct {
	Type  string          `json:"type"`
	Data  json.RawMessage `json:"data"`
	Trace json.RawMessage `json:"trace"` // from older versions of the CDK in debug mode
}

// acknowledgement matches the id that acknowledges a warning.
var acknowledgement = regexp.MustCompile(`\s*\[ack: [^\]]+\]`)

// readMetadata sets the stack's annotations and the construct path of each logical
// id.
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
			if err := f.addMetadata(base, stack, strings.TrimPrefix(path, "/"), e); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(stack.Messages, func(a, b Message) int {
		return strings.Compare(a.Path+"\x00"+a.Text, b.Path+"\x00"+b.Text)
	})
	return nil
}

func (f *folder) addMetadata(base string, s *Stack, path string, e entry) error {
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

// frame matches the location in a line of a stack trace, such as "new Api (/shop/lib/api.ts:12:5)".
var frame = regexp.MustCompile(`(?:^|[(\s])(?:file://)?(/[^():]*):(\d+)(?::\d+)?\)?$`)

// userLine returns "file:line" of the first stack frame in the app's own code, or
// "".
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

// ConstructPath returns the construct path of a logical id, such as
// "ApiStack/Orders/Resource", or "" if unknown. Nested has the logical ids of the
// nested stacks around it, outermost first.
func (s Stack) ConstructPath(nested []string, logicalID string) string {
	scope := ""
	for _, id := range nested {
		// A nested stack's resource is a sibling of its scope: "Api/Jobs.NestedStack/Jobs.NestedStackResource" for "Api/Jobs".
		before, _, found := strings.Cut(first(s.constructs[id], scope), ".NestedStack/")
		if !found {
			return ""
		}
		scope = before + "/"
	}
	return first(s.constructs[logicalID], scope)
}

// Source returns "file:line" of the code that creates the construct with that
// path, or else its nearest parent; "" if unknown. The file is an absolute path on
// the machine where the app ran.
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

// Problems returns the error of the first stack that cannot be deployed, or else
// one for all error annotations, or nil.
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
