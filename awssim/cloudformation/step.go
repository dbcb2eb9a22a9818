package cloudformation

import (
	"fmt"
	"slices"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/kinds"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// step is the work on one resource.
type step struct {
	verb    string    // CREATE, IMPORT, UPDATE, or empty: nothing
	replace bool      // an update that makes a new physical resource
	record  *resource // of the stack
	wanted  resource  // how it shall be
	begun   bool      // the first event was recorded before a restart
	acted   bool      // the physical resource was made or changed before a restart
	tagging bool      // the update that follows an import
}

// wanted evaluates the definition of a resource. The caller holds the
// lock.
func (c *compiled) wanted(id string) (resource, error) {
	declared := c.Resources[id]
	r := resource{LogicalID: id, Type: declared.Type, Metadata: declared.Metadata, Needs: c.needs[id]}
	properties, err := c.env.Evaluate(declared.Properties)
	if err != nil {
		return r, err
	}
	r.Properties, _ = properties.(map[string]any)
	if r.Properties == nil {
		r.Properties = map[string]any{}
	}
	if kinds.Taggable(r.Type) || r.Type == stackType {
		r.Tags = c.version.Tags
	}
	if r.DeletionPolicy, err = evaluateText(c, declared.DeletionPolicy); err != nil {
		return r, err
	}
	r.UpdateReplacePolicy, err = evaluateText(c, declared.UpdateReplacePolicy)
	return r, err
}

// decide compares the state of a resource with its definition. The caller holds the
// lock.
func (s *stack) decide(c *compiled, id string) (step, error) {
	wanted, err := c.wanted(id)
	current := s.Resources[id]
	if err != nil {
		if current == nil || current.gone() {
			s.Resources[id] = &resource{LogicalID: id, Type: wanted.Type}
			return step{verb: "CREATE", record: s.Resources[id], wanted: wanted}, err
		}
		return step{verb: "UPDATE", record: current, wanted: wanted}, err
	}
	if current == nil || current.gone() || current.failedToExist() {
		return s.creation(current, wanted), nil
	}
	st := step{record: current, wanted: wanted, verb: "UPDATE"}
	same := sameProperties(current, &wanted)
	switch {
	case current.Status == "CREATE_IN_PROGRESS":
		st.verb, st.begun, st.acted = "CREATE", true, current.PhysicalID != ""
	case current.Status == "IMPORT_IN_PROGRESS":
		st.verb, st.begun, st.acted = "IMPORT", true, current.PhysicalID != ""
	case current.Status == "IMPORT_COMPLETE":
		st.tagging = true
	case current.Status == "UPDATE_IN_PROGRESS":
		st.begun, st.acted = true, same && current.Reason != tagsReason
	case current.Status != "UPDATE_FAILED" && same:
		st.verb = ""
	}
	st.replace = st.verb == "UPDATE" && !st.acted && replaces(current, &wanted)
	return st, nil
}

// creation makes the record of a new resource. What a failed creation left
// behind is retired.
func (s *stack) creation(current *resource, wanted resource) step {
	if current != nil && !current.gone() && current.PhysicalID != "" {
		s.retire(*current, "Delete")
	}
	record := &resource{
		LogicalID: wanted.LogicalID, Type: wanted.Type, Properties: wanted.Properties, Needs: wanted.Needs,
	}
	s.Resources[wanted.LogicalID] = record
	verb := "CREATE"
	if slices.Contains(s.Operation.Imports[s.ID], wanted.LogicalID) {
		verb = "IMPORT"
	}
	return step{verb: verb, record: record, wanted: wanted}
}

// retire keeps a physical resource for the cleanup.
func (s *stack) retire(r resource, policy string) {
	r.DeletionPolicy = policy
	s.Retired = append(s.Retired, &r)
}

func sameProperties(a, b *resource) bool {
	return template.Equal(a.Properties, b.Properties) && slices.Equal(a.Tags, b.Tags)
}

// replaces reports whether the change makes a new physical resource.
func replaces(from, to *resource) bool {
	return slices.ContainsFunc(changedProperties(from.Properties, to.Properties), func(name string) bool {
		return kinds.Replaces(from.Type, name) == kinds.Always
	})
}

// changedProperties are the names of the properties that differ.
func changedProperties(from, to map[string]any) []string {
	var names []string
	for _, name := range sortedKeys(from) {
		if !template.Equal(from[name], to[name]) {
			names = append(names, name)
		}
	}
	for _, name := range sortedKeys(to) {
		if _, before := from[name]; !before {
			names = append(names, name)
		}
	}
	return names
}

// checkReplacement refuses to replace a resource that has a name of its own
// and keeps it.
func (st step) checkReplacement() error {
	identity := kinds.Identity(st.record.Type, st.wanted.Properties)
	if !st.replace || identity == "" || identity != kinds.Identity(st.record.Type, st.record.Properties) {
		return nil
	}
	return fmt.Errorf("CloudFormation cannot update a stack when a custom-named resource requires replacing. "+
		"Rename %s and update the stack again.", identity)
}

// adopt makes the record what was wanted. The identity is set apart.
func (st step) adopt() {
	r, w := st.record, st.wanted
	r.Properties, r.Tags, r.Metadata, r.Needs = w.Properties, w.Tags, w.Metadata, w.Needs
	r.DeletionPolicy, r.UpdateReplacePolicy = w.DeletionPolicy, w.UpdateReplacePolicy
}
