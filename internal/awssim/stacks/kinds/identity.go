package kinds

import (
	"strings"
)

// Place is where a resource is.
type Place struct{ Account, Region, Partition string }

// suffix is the domain of the partition's services.
func (p Place) suffix() string {
	if p.Partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// Subject is a resource that needs an identity or has one.
type Subject struct {
	Place      Place
	Type       string
	StackName  string
	LogicalID  string
	PhysicalID string // empty while it has none
	Properties map[string]any
	// Seed makes invented parts. The same seed gives the same identity.
	Seed string
}

// NewID invents the identity of a new resource: its own name when the
// properties give one, else stack-logicalid-SUFFIX, in the form of its type.
func (s Subject) NewID() string {
	k := table[s.Type]
	if k.id == "" {
		return s.newName(k)
	}
	return s.expand(k.id, k)
}

// newName is the name given by the properties, or an invented one.
func (s Subject) newName(k kind) string {
	if name, ok := s.Properties[k.name].(string); ok && name != "" {
		return name
	}
	return Invent(s.StackName, s.LogicalID, s.Seed, s.Type)
}

// Invent makes a name as CloudFormation does: stack-logicalid-SUFFIX, cut to
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

// Attribute is what Fn::GetAtt gives for a resource that nothing stands behind.
func (s Subject) Attribute(name string) string {
	s.Seed = s.PhysicalID + "/" + name
	if pattern, ok := table[s.Type].attributes[name]; ok {
		return s.expand(pattern, table[s.Type])
	}
	switch {
	case strings.HasSuffix(name, "Arn"), strings.HasSuffix(name, "ARN"):
		return s.arn()
	case strings.HasSuffix(name, "Id"):
		return s.PhysicalID
	case strings.HasSuffix(name, "Name"):
		return last(s.PhysicalID)
	case strings.HasSuffix(name, "Port"):
		return "443"
	}
	return s.PhysicalID + "-" + strings.ReplaceAll(name, ".", "-")
}

// arn is the usual form: arn:partition:service:region:account:type/id.
func (s Subject) arn() string {
	if strings.HasPrefix(s.PhysicalID, "arn:") {
		return s.PhysicalID
	}
	parts := strings.Split(strings.ToLower(s.Type), "::")
	service, noun := parts[0], parts[len(parts)-1]
	if len(parts) == 3 {
		service = parts[1]
	}
	return strings.Join([]string{
		"arn", s.Place.Partition, service, s.Place.Region, s.Place.Account, noun + "/" + s.PhysicalID,
	}, ":")
}

// last is the part behind the last colon or slash.
func last(id string) string { return id[strings.LastIndexAny(id, ":/")+1:] }
