package config

import (
	_ "embed"
	"fmt"
	"reflect"
	"strings"
)

var (
	//go:embed reference/introduction.md
	introduction string
	//go:embed reference/short-form.yaml
	shortForm string
	//go:embed reference/full-form.yaml
	fullForm string
	//go:embed reference/checks.md
	checks string
)

// Reference returns the reference page of the configuration file in Markdown:
// docs/configuration.md.
func Reference() string {
	var page strings.Builder
	fmt.Fprintf(&page, introduction, fence(shortForm), fence(fullForm))
	for _, m := range documented() {
		writeMapping(&page, m)
	}
	page.WriteString("\n" + checks + "\n**Source**\n- `internal/config/types.go`\n- `internal/config/environments.go`\n- `internal/config/commands.go`\n- `internal/config/notifications.go`\n- `internal/config/rules.go`\n- `internal/config/reference`\n")
	return page.String()
}

func fence(yaml string) string { return "```yaml\n" + yaml + "```" }

func writeMapping(page *strings.Builder, m *mapping) {
	fmt.Fprintf(page, "\n### %s\n\n%s\n\n", heading(m), m.doc)
	page.WriteString(tableHead)
	for _, key := range m.keys {
		if key.section != "" {
			fmt.Fprintf(page, "\n#### %s\n\n%s%s", key.section, belongsTo(m), tableHead)
		}
		fmt.Fprintf(page, "| `%s` | %s | %s | %s |\n", key.key, cell(key.doc), cell(value(key)), cell(leftOut(key)))
	}
}

const tableHead = "| Key | Meaning | Value | Default |\n|---|---|---|---|\n"

// belongsTo says which mapping has the keys of a section, for a reader who sees only this section.
func belongsTo(m *mapping) string {
	if m.paths[0] == "" {
		return "Keys of the file:\n\n"
	}
	return "Keys of " + heading(m) + ":\n\n"
}

func heading(m *mapping) string {
	if m.paths[0] == "" {
		return "The file"
	}
	return "`" + strings.Join(m.paths, "`, `") + "`"
}

func value(key documentedKey) string {
	text := describe(key.typ, key.field)
	if key.example != "" {
		text += "; example: `" + key.key + ": " + key.example + "`"
	}
	return text
}

func leftOut(key documentedKey) string {
	switch {
	case key.need == "always":
		return "required"
	case key.need == "cluster":
		return "required on a cluster"
	case key.follows != "":
		return "from `" + key.follows + "`: " + code(key.derived)
	case key.derived != "":
		return code(key.derived)
	case key.initial != "":
		return "`" + key.initial + "`"
	case key.typ.Kind() == reflect.Struct:
		return "the defaults of its keys"
	}
	return "none"
}

// code formats a text as code, unless it is prose.
func code(text string) string {
	if strings.Contains(text, " ") {
		return text
	}
	return "`" + text + "`"
}

// describeKey describes a key in one text, for editors.
func describeKey(key documentedKey) string {
	text := key.doc + " Expected: " + describe(key.typ, key.field) + "."
	switch {
	case key.need == "cluster":
		text += " A pipeline on a cluster needs it."
	case key.follows != "":
		text += " Default: follows from " + key.follows + ": " + key.derived + "."
	case key.derived != "":
		text += " Default: " + key.derived + "."
	}
	return text
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
