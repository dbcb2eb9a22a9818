package cloudformation

import (
	"errors"
	"fmt"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/kinds"
)

// tagsReason explains the update that follows the import of a resource. It is a
// whole update: what the template says holds from then on.
const tagsReason = "Apply stack-level tags to imported resource if applicable."

// importResource makes an existing resource one of the stack. It is not changed
// by that.
func (e *Engine) importResource(s *stack, st step) error {
	properties, err := e.resolved(s.Scope, st.wanted.Properties)
	if err != nil {
		return err
	}
	found, err := Resource{}, ErrGeneric
	if e.host.HasHandler(st.record.Type) {
		found, err = e.host.Existing(s.Scope, st.record.Type, properties)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	identity := kinds.Identity(st.record.Type, properties)
	if owner := e.holder(s.Scope, st.record.Type, identity); owner != nil {
		return errors.New(ownedReason(identity, owner))
	}
	if errors.Is(err, ErrGeneric) {
		found, err = e.adopt(s.Scope, st.record.Type, identity)
	}
	if errors.Is(err, ErrAbsent) {
		message := fmt.Sprintf("Resource of type '%s' with identifier '%s' was not found.", st.record.Type, identity)
		return errors.New(handlerReason(message, e.newID(), "NotFound"))
	}
	if err != nil {
		return err
	}
	st.adopt()
	st.record.PhysicalID, st.record.Attributes, st.record.Imported = found.PhysicalID, found.Attributes, true
	e.mark(s, st.record, "IMPORT_IN_PROGRESS", "")
	return nil
}

// adopt takes an unmanaged resource, if there is one. The caller holds the
// lock.
func (e *Engine) adopt(scope Scope, typ, identity string) (Resource, error) {
	left := e.unmanaged(scope, typ, identity)
	if left == nil {
		return Resource{}, ErrAbsent
	}
	e.manage(left)
	return Resource{PhysicalID: left.ID, Attributes: left.Attributes}, nil
}

// release lets go of what a failed import had taken. The caller holds the lock.
func (e *Engine) release(s *stack, st step) {
	if st.verb != "IMPORT" || st.record.PhysicalID == "" {
		return
	}
	e.leave(s, st.record)
	st.record.PhysicalID, st.record.Imported = "", false
}

// failedToExist reports whether the resource was to be created or imported, and was
// not.
func (r *resource) failedToExist() bool {
	return r.Status == "CREATE_FAILED" || r.Status == "IMPORT_FAILED"
}
