package kinds

import "maps"

// kind describes what no schema says of a resource type: how its identity and
// its attributes look. Its texts are patterns, see expand.
type kind struct {
	id         string            // the physical id; empty: what Ref gives by the schema
	attributes map[string]string // what Fn::GetAtt gives, by attribute; items of lists are separated by commas
	limit      int               // the longest name; 0: 128 characters
	lower      bool              // names are in lower case
	property   string            // that gives the name, when it is none that identifies the resource
	names      []nameRule        // what the service demands of a given name
}

var table = merged(storage, compute, messaging, network, security, delivery, observation, directories)

func merged(parts ...map[string]kind) map[string]kind {
	all := map[string]kind{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}
