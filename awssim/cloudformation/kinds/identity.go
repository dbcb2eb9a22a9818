package kinds

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Place is the partition, account and region of a resource.
type Place struct{ Account, Region, Partition string }

// suffix is the domain of the partition's services.
func (p Place) suffix() string {
	if p.Partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// Subject is a resource, with or without an identity.
type Subject struct {
	Place      Place
	Type       string
	StackName  string
	LogicalID  string
	PhysicalID string // empty while it has none
	Properties map[string]any
	// Seed determines generated parts. The same seed makes the same identity.
	Seed string
}

// NewID returns the identity of a new resource: the name in its properties, else
// stack-logicalid-SUFFIX, in the form of its type.
func (s Subject) NewID() string {
	if pattern := table[s.Type].id; pattern != "" {
		return s.expand(pattern)
	}
	published := schemaOf(s.Type)
	if published == nil {
		return s.newName()
	}
	parts := published.Ref
	if len(parts) == 0 {
		parts = published.Identifier
	}
	var id []string
	for _, name := range parts {
		if part := s.part(published, name); part != "" {
			id = append(id, part)
		}
	}
	if len(id) == 0 {
		return s.newName()
	}
	return strings.Join(id, "|")
}

// part is a property or an attribute of the identity.
func (s Subject) part(published *schema, name string) string {
	_, isProperty := published.Properties[name]
	given := text(s.Properties[name])
	switch {
	case given != "":
		return given
	case isProperty && name != NameProperty(s.Type):
		return ""
	case !isProperty && strings.HasSuffix(strings.ToLower(name), "arn") && published.ARN != "":
		return s.expandARN(published.ARN, s.newName())
	}
	return s.newName()
}

// newName is the name given by the properties, or an invented one.
func (s Subject) newName() string {
	if name := text(s.Properties[NameProperty(s.Type)]); name != "" {
		return name
	}
	name := Invent(s.StackName, s.LogicalID, s.Seed, s.Type)
	if s.fifo() {
		const ending = ".fifo"
		if limit := table[s.Type].limit; limit > 0 && len(name)+len(ending) > limit {
			name = cut(name, limit-len(ending)-13) + name[len(name)-13:]
		}
		return name + ending
	}
	return name
}

// fifo reports whether the resource is a first-in-first-out queue or topic.
func (s Subject) fifo() bool {
	return text(s.Properties["FifoQueue"]) == "true" || text(s.Properties["FifoTopic"]) == "true"
}

// Invent generates a name as CloudFormation does: stack-logicalid-SUFFIX, cut to
// what the type allows, in lower case where it must be.
func Invent(stackName, logicalID, seed, typ string) string {
	k := table[typ]
	limit := k.limit
	if limit == 0 {
		limit = 128
	}
	suffix := "-" + letters(seed, upperAlphabet, 12)
	room := limit - len(suffix) - 1
	logical := cut(logicalID, max(room/2, room-len(stackName)))
	stack := cut(stackName, room-len(logical))
	name := stack + "-" + logical + suffix
	if k.lower {
		return strings.ToLower(name)
	}
	return name
}

func cut(text string, limit int) string { return text[:min(len(text), limit)] }

// Attribute returns the value of Fn::GetAtt for a generic resource: a text, a list or a map,
// according to its type.
func (s Subject) Attribute(name string) any {
	code := "s"
	if published := schemaOf(s.Type); published != nil && published.Attributes[name] != "" {
		code = published.Attributes[name]
	}
	if value, ok := s.Properties[name]; ok && table[s.Type].attributes[name] == "" && fits(code, value) {
		return value
	}
	return s.attribute(name, code)
}

func (s Subject) attribute(name, code string) any {
	pattern := table[s.Type].attributes[name]
	switch {
	case strings.HasPrefix(code, "["):
		return s.list(name, pattern, code[1:])
	case strings.HasPrefix(code, "{"):
		return map[string]any{}
	case strings.HasPrefix(code, "#"):
		return s.object(name, code)
	case pattern != "":
		return s.seeded(name).expand(pattern)
	case code == "n":
		return "1"
	case code == "b":
		return "false"
	}
	return s.scalar(name)
}

func (s Subject) seeded(name string) Subject {
	s.Seed = s.PhysicalID + "/" + name
	return s
}

// list makes the items that a pattern gives, or two invented ones.
func (s Subject) list(name, pattern, item string) []any {
	items := []any{}
	if pattern == "" {
		for i := range 2 {
			items = append(items, s.attribute(fmt.Sprintf("%s.%d", name, i), item))
		}
		return items
	}
	for i, one := range strings.Split(pattern, ",") {
		if value := s.seeded(fmt.Sprintf("%s.%d", name, i)).expand(one); value != "" {
			items = append(items, value)
		}
	}
	return items
}

// object has the members of its definition that are no objects themselves.
func (s Subject) object(name, code string) map[string]any {
	members := map[string]any{}
	published := schemaOf(code)
	if published == nil {
		return members
	}
	for member, code := range published.Properties {
		if !strings.ContainsAny(code, "#[{") {
			members[member] = s.attribute(name+"."+member, code)
		}
	}
	return members
}

// scalar is a text that looks like what the name says. An ARN stands only where
// the name promises one: elsewhere a resource whose Ref gives an ARN goes by the
// end of it.
func (s Subject) scalar(name string) string {
	own := s.PhysicalID
	if strings.HasPrefix(own, "arn:") {
		own = last(own)
	}
	switch {
	case strings.HasSuffix(name, "Arn"), strings.HasSuffix(name, "ARN"):
		return s.arn()
	case strings.HasSuffix(name, "Id"):
		return own
	case strings.HasSuffix(name, "Name"):
		return last(s.PhysicalID)
	case strings.HasSuffix(name, "Port"):
		return "443"
	case urlName.MatchString(name):
		return "https://" + s.host(own, name)
	case hostName.MatchString(name):
		return s.host(own, name)
	}
	return own + "-" + strings.ReplaceAll(name, ".", "-")
}

// Names of attributes that are addresses; those in a list end with their place in it.
var (
	urlName  = regexp.MustCompile(`(?:Url|URL)s?(?:\.\d+)?$`)
	hostName = regexp.MustCompile(`(?:End[pP]oint)s?(?:\.Address)?(?:\.\d+)?$`)
	noHost   = regexp.MustCompile(`[^a-z0-9]+`)
)

// host is the address that a service gives a resource, another one for each attribute.
func (s Subject) host(own, attribute string) string {
	label := strings.Trim(noHost.ReplaceAllString(strings.ToLower(own), "-"), "-")
	return strings.Join([]string{
		cut(label, 40) + "-" + letters(s.PhysicalID+"/"+attribute, lowerAlphabet, 8), s.service(), s.Place.Region, s.Place.suffix(),
	}, ".")
}

// service is what the type's name says of it.
func (s Subject) service() string {
	parts := strings.Split(strings.ToLower(s.Type), "::")
	if len(parts) == 3 {
		return parts[1]
	}
	return parts[0]
}

// arn is the published form with the physical id, or the usual one:
// arn:partition:service:region:account:type/id.
func (s Subject) arn() string {
	if strings.HasPrefix(s.PhysicalID, "arn:") {
		return s.PhysicalID
	}
	if published := schemaOf(s.Type); published != nil && published.ARN != "" {
		return s.expandARN(published.ARN, s.PhysicalID)
	}
	noun := strings.ToLower(s.Type[strings.LastIndexByte(s.Type, ':')+1:])
	return strings.Join([]string{
		"arn", s.Place.Partition, s.service(), s.Place.Region, s.Place.Account, noun + "/" + s.PhysicalID,
	}, ":")
}

// arnVariable is a part of a published ARN, such as ${TableName}.
var arnVariable = regexp.MustCompile(`\$\{([A-Za-z0-9]+)\}`)

// expandARN fills in a published ARN. Its last variable is the resource
// itself, those before are properties that name its parents.
func (s Subject) expandARN(template, own string) string {
	variables := arnVariable.FindAllString(template, -1)
	return arnVariable.ReplaceAllStringFunc(template, func(match string) string {
		name := match[2 : len(match)-1]
		place := map[string]string{"Partition": s.Place.Partition, "Region": s.Place.Region, "Account": s.Place.Account}
		if value, ok := place[name]; ok {
			return value
		}
		if given := text(s.Properties[name]); given != "" && !strings.HasPrefix(given, "arn:") {
			return given
		}
		if slices.Index(variables, match) == len(variables)-1 {
			return last(own)
		}
		return letters(s.Seed+own+name, lowerAlphabet, 10)
	})
}

// last is the part behind the last colon or slash.
func last(id string) string { return id[strings.LastIndexAny(id, ":/")+1:] }
