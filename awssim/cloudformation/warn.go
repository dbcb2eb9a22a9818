package cloudformation

import (
	"fmt"
	"slices"
)

// Limit sets the quota of an account: how many resources of a type it may have in a region.
// Early validation warns of a change set that exceeds it; nothing else knows of it. Limits
// are not part of a snapshot.
func (e *Engine) Limit(typ string, most int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.limits == nil {
		e.limits = map[string]int{}
	}
	e.limits[typ] = most
}

// warnings adds what early validation warns of: buckets and repositories that are to be
// deleted and are not empty, a second recorder of AWS Config, and exceeded quotas. The caller
// holds the lock.
func (p *planner) warnings() {
	added := map[string]int{}
	for _, c := range p.result.Changes {
		switch {
		case c.Action == "Remove" && c.PolicyAction == "Delete", c.Replacement == "True" && c.PolicyAction == "ReplaceAndDelete":
			p.warnOfContent(c)
		case c.Action == "Add":
			added[c.Type]++
			p.warnOfRecorder(c)
			p.warnOfQuota(c, added[c.Type])
		}
	}
}

// contents are the types whose resources must be empty when they are deleted.
var contents = map[string]struct{ validation, reason string }{
	"AWS::S3::Bucket":      {"BUCKET_EMPTINESS_VALIDATION", "The bucket %s is not empty. Empty it before the change set is executed, or its deletion fails."},
	"AWS::ECR::Repository": {"ECR_REPOSITORY_DELETE_VALIDATION", "The repository %s has images. Delete them before the change set is executed, or set EmptyOnDelete."},
}

func (p *planner) warnOfContent(c change) {
	check, known := contents[c.Type]
	if !known || !p.engine.host.HasContent(p.stack.Scope, c.Type, c.PhysicalID) {
		return
	}
	if r := p.stack.Resources[c.LogicalID]; r != nil && shown(r.Properties["EmptyOnDelete"]) == "true" {
		return
	}
	p.warn(c, "", check.validation, fmt.Sprintf(check.reason, c.PhysicalID))
}

func (p *planner) warnOfRecorder(c change) {
	const recorder = "AWS::Config::ConfigurationRecorder"
	if c.Type == recorder && p.count(recorder) > 0 {
		p.warn(c, "", "CONFIG_RECORDER_CONFLICT_VALIDATION", "The account has a configuration recorder in this region, and cannot have a second one.")
	}
}

func (p *planner) warnOfQuota(c change, added int) {
	most, limited := p.engine.limits[c.Type]
	if have := p.count(c.Type); limited && have+added > most {
		p.warn(c, "", "SERVICE_QUOTA_VALIDATION", fmt.Sprintf("The quota of %d resources of type %s in this account and region would be exceeded: it has %d.", most, c.Type, have))
	}
}

// count counts the resources of a type that the scope has.
func (p *planner) count(typ string) (n int) {
	for _, s := range p.engine.stacksOf(p.stack.Scope, (*stack).live) {
		for _, r := range s.Resources {
			if r.Type == typ && r.PhysicalID != "" && !r.gone() {
				n++
			}
		}
	}
	return n
}

func (p *planner) warn(c change, path, name, reason string) {
	p.object(&resource{LogicalID: c.LogicalID, Type: c.Type}, validation{Name: name, Path: path, Reason: reason, PhysicalID: c.PhysicalID, Warns: true})
}

// refused reports whether findings of early validation are more than warnings.
func refused(found []validation) bool {
	return slices.ContainsFunc(found, func(v validation) bool { return !v.Warns })
}
