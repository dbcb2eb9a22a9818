package kinds

import (
	"fmt"
	"regexp"
	"strings"
)

// nameRule is what a service demands of the names that are given to its
// resources: a pattern of the whole name, and the service's message for one that
// does not match, in which {value} is that name.
type nameRule struct{ pattern, message string }

// member are the rules of a name that is a plain member of a service's call:
// its shortest and longest length, and the letters, a pattern as the service
// shows it.
func member(field string, shortest, longest int, letters string) []nameRule {
	failed := "1 validation error detected: Value '{value}' at '" + field + "' failed to satisfy constraint: Member must "
	return []nameRule{
		{letters, failed + "satisfy regular expression pattern: " + letters},
		{fmt.Sprintf(`(?s:.{%d}.*)`, shortest), failed + fmt.Sprintf("have length greater than or equal to %d", shortest)},
		{fmt.Sprintf(`(?s:.{0,%d})`, longest), failed + fmt.Sprintf("have length less than or equal to %d", longest)},
	}
}

// iamName are the rules of names in IAM.
func iamName(field string, longest int) []nameRule { return member(field, 1, longest, `[\w+=,.@-]+`) }

// tableName are the rules of names of tables.
var tableName = member("tableName", 3, 255, `[a-zA-Z0-9_.-]+`)

// bucketName are the rules of names of buckets.
var bucketName = []nameRule{
	{`[^A-Z]*`, "Bucket name should not contain uppercase characters"},
	{`.{3,63}`, "Bucket name should be between 3 and 63 characters long"},
	{`[^_]*`, "Bucket name should not contain '_'"},
	{`[a-z0-9.-]*`, "The specified bucket is not valid."},
	{`[^.-].*`, "Bucket name should not begin with a period or a dash"},
	{`.*[^.-]`, "Bucket name should not end with '-' or '.'"},
	{`([^.]|\.[^.])*`, "Bucket name should not contain two adjacent periods"},
	{`([^.-]|-+[^.-]|\.[^.-])*`, "Bucket name should not contain dashes next to periods"},
	{`.*[^0-9.].*|[0-9]*(\.[0-9]*){0,2}|[0-9]*(\.[0-9]*){4,}`, "Bucket name must not be formatted as an IP Address"},
}

const repositoryPattern = `(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*`

// repositoryName are the rules of names of image repositories.
var repositoryName = []nameRule{
	{repositoryPattern, "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '" + repositoryPattern + "''"},
	{`.{2,256}`, "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must have length between 2 and 256'"},
}

// machineName is the rule of names in Step Functions.
var machineName = []nameRule{{"[^\\s<>{}\\[\\]?*\"#%\\\\^|~`$&,;:/\\x00-\\x1f\\x7f-\\x{9f}]{1,80}", "Invalid Name: '{value}'"}}

// Misnamed returns what is wrong with the name in the properties, in the service's words;
// "" if nothing is.
func (s Subject) Misnamed() string {
	name := text(s.Properties[s.nameProperty()])
	if name == "" {
		return ""
	}
	if wrong := s.misnamedFifo(name); wrong != "" {
		return wrong
	}
	for _, rule := range table[s.Type].names {
		if !regexp.MustCompile(`^(?:` + rule.pattern + `)$`).MatchString(name) {
			return strings.ReplaceAll(rule.message, "{value}", name)
		}
	}
	return ""
}

func (s Subject) nameProperty() string {
	if property := table[s.Type].property; property != "" {
		return property
	}
	return NameProperty(s.Type)
}

// misnamedFifo refuses names of first-in-first-out queues and topics that do
// not end in .fifo, and of others that do.
func (s Subject) misnamedFifo(name string) string {
	switch ends := strings.HasSuffix(name, ".fifo"); {
	case s.Type == "AWS::SQS::Queue" && s.fifo() && !ends:
		return "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length."
	case s.Type == "AWS::SQS::Queue" && !s.fifo() && ends:
		return queueRule
	case s.Type == "AWS::SNS::Topic" && s.fifo() && !ends:
		return "Invalid parameter: Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long."
	}
	return ""
}

const queueRule = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
