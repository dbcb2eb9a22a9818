package bucket

import (
	"fmt"
	"strings"
)

const objectsHead = "| Key | Holds | Format | Written by | Written | Read by | Kept |\n|---|---|---|---|---|---|---|\n"

// Markdown is docs/bucket-layout.md.
func Markdown() string {
	var text strings.Builder
	fmt.Fprintf(&text, `# What the artifact bucket holds

<!-- Generated from internal/bucket/layout.go by make golden. -->

Each pipeline has one bucket (%[1]s). A directory given by %[2]s has the same layout.
Parts in angle brackets vary; %[3]s is a full SHA.
`, "`artifactBucketName`", "`--artifact-dir`", "`<commit>`")
	text.WriteString("\n## Objects of a commit\n\n" + objectsHead)
	sections := map[string]string{
		stepRecords.pattern: "Objects of the pipeline", releases.pattern: "Signed statements", reached.pattern: "What environments have and gates know",
		stacks.pattern: "State, templates and caches",
	}
	for _, k := range layout {
		if title := sections[k.pattern]; title != "" {
			text.WriteString("\n## " + title + "\n\n" + objectsHead)
		}
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s | %s | %s | %s |\n", k.pattern, k.what, k.format, k.writers, k.mode, k.readers, k.kept)
	}
	text.WriteString(`
## Conditions of writes

What is written once is never overwritten, and state only if it is unchanged since it was read: these are conditions of
S3 (If-None-Match and If-Match), and the policy of the bucket refuses writes without them to everybody, also to an
administrator. A record of a run is replaced by a retry of the same run only, also
by one that Argo makes from its archive, or of a delivery that comes again; it then lists the attempts before.

## Who may write what

Each identity of a pipeline may write the keys below and no other (* is any text):

| Identity | Writes |
|---|---|
`)
	for _, w := range writersInOrder {
		var keys []string
		for _, pattern := range Writes(w) {
			keys = append(keys, "`"+strings.Replace(pattern, strings.Repeat("?", commitDigits), "<commit>", 1)+"`")
		}
		fmt.Fprintf(&text, "| %s | %s |\n", w, strings.Join(keys, ", "))
	}
	fmt.Fprintf(&text, `
## Deletion

An object that is overwritten or deleted can be restored for %d days. Parts of an upload that was not completed
are removed after %d days, and a cache that expired after %d. In a directory, only caches expire: a build that saves one removes the old ones. The bucket stays when the pipeline is deleted, except
with %s.

**Source**
- %[5]sinternal/bucket/layout.go%[5]s
`, OldVersionsDays, HalfUploadsDays, OldCacheDays, "`generator delete --aws --bucket`", "`")
	return text.String()
}
