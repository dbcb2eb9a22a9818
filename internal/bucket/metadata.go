package bucket

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Metadata describes an artifact; it is stored as <commit>/artifact.json.
type Metadata struct {
	Key        string            `json:"key"`
	Digest     string            `json:"digest"` // sha256:<hex> of the archive
	Commit     string            `json:"commit"` // full SHA
	Branch     string            `json:"branch,omitempty"`
	Repository string            `json:"repository,omitempty"` // URL
	Timestamp  time.Time         `json:"timestamp"`            // UTC, when it was packed
	Size       int64             `json:"size"`                 // bytes of the archive
	Files      int               `json:"files"`
	Bytes      int64             `json:"bytes"`               // of the unpacked files
	Commands   []Command         `json:"commands"`            // of the build
	Artifacts  []File            `json:"artifacts,omitempty"` // files that match build.artifacts
	Tools      map[string]string `json:"tools,omitempty"`     // versions, such as "node": "v22.1.0"
}

// Command is one build command that was run.
type Command struct {
	Command  string  `json:"command"`
	Seconds  float64 `json:"seconds"`
	ExitCode int     `json:"exitCode"`
}

// File is one file inside the artifact.
type File struct {
	Path   string `json:"path"` // relative to the workspace, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// of sets the fields for an archive.
func (m Metadata) of(p Packed) Metadata {
	m.Digest, m.Key = p.Digest, ArtifactKey(m.Commit, p.Digest)
	m.Size, m.Files, m.Bytes = p.Size, p.Contents.Files, p.Contents.Bytes
	m.Timestamp = m.Timestamp.UTC().Truncate(time.Second)
	return m
}

func (m Metadata) encode() ([]byte, error) { return json.MarshalIndent(m, "", "  ") }

// tags returns the object's tags, which S3's console shows and lifecycle rules use.
func (m Metadata) tags() string {
	tags := url.Values{}
	for name, value := range m.labels() {
		tags.Set(name, value)
	}
	return tags.Encode()
}

// labels returns the object's own metadata.
func (m Metadata) labels() map[string]string {
	labels := map[string]string{
		"commit": m.Commit, "timestamp": m.Timestamp.Format(time.RFC3339), "sha256": strings.TrimPrefix(m.Digest, algorithm),
	}
	if m.Branch != "" {
		labels["branch"] = tagValue(m.Branch)
	}
	return labels
}

// tagValue replaces characters that S3 does not allow in the value of a tag (it
// allows letters, digits, spaces and + - = . _ : / @, up to 256). Headers allow only
// ASCII.
func tagValue(text string) string {
	value := []rune(strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" +-=._:/@", r)) {
			return r
		}
		return '_'
	}, text))
	return string(value[:min(len(value), 256)])
}
