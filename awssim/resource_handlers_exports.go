package awssim

import (
	"maps"
	"slices"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation/kinds"
	"github.com/aphex/aphex-pipeline/awssim/ssm"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// The CDK carries strong references to another region with two custom
// resources: the producer's writes SSM parameters into the consumer's region,
// the consumer's marks those that it uses. The simulator runs no functions; it
// does to the parameters what those of the two custom resources do.

// createExports writes the parameters of a producer.
func createExports(s *Server, req request) (cloudformation.Resource, error) {
	return cloudformation.Resource{PhysicalID: kinds.UUID(req.SuggestedID)}, s.export(req, req.now.values("WriterProps", "exports"))
}

// updateExports writes new parameters and deletes removed ones. Existing ones
// are not changed, as by the CDK's function.
func updateExports(s *Server, req request) (cloudformation.Resource, error) {
	before, after := req.old.values("WriterProps", "exports"), req.now.values("WriterProps", "exports")
	s.withdraw(req.old.region(req, "WriterProps"), without(before, after))
	return cloudformation.Resource{PhysicalID: req.PhysicalID}, s.export(req, without(after, before))
}

func deleteExports(s *Server, req request) error {
	s.withdraw(req.old.region(req, "WriterProps"), req.old.values("WriterProps", "exports"))
	return nil
}

func (s *Server) export(req request, exports map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(exports)) {
		p := ssm.Parameter{Name: name, Type: ssm.String, Value: exports[name]}
		if _, err := s.parameters.Put(req.now.region(req, "WriterProps"), p, true); err != nil {
			return err
		}
	}
	return nil
}

// withdraw deletes parameters; missing ones are no error.
func (s *Server) withdraw(place string, exports map[string]string) {
	for name := range exports {
		_ = s.parameters.Delete(place, name)
	}
}

// createImports marks the parameters of a consumer as in use, and returns their
// values as attributes.
func createImports(s *Server, req request) (cloudformation.Resource, error) {
	return s.marked(req, kinds.UUID(req.SuggestedID), req.now.values("ReaderProps", "imports"))
}

func updateImports(s *Server, req request) (cloudformation.Resource, error) {
	before, after := req.old.values("ReaderProps", "imports"), req.now.values("ReaderProps", "imports")
	s.unmark(req, without(before, after))
	return s.marked(req, req.PhysicalID, without(after, before))
}

func deleteImports(s *Server, req request) error {
	s.unmark(req, req.old.values("ReaderProps", "imports"))
	return nil
}

func (s *Server) marked(req request, id string, imports map[string]string) (cloudformation.Resource, error) {
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		err := s.parameters.Tag(req.now.region(req, "ReaderProps"), name, func(tags map[string]string) { tags[req.now.mark()] = "true" })
		if err != nil {
			return cloudformation.Resource{}, wire.Errorf("Error", "Error importing %s: %s", name, err)
		}
	}
	attributes := map[string]any{}
	for name, value := range req.now.values("ReaderProps", "imports") {
		attributes[name] = value
	}
	return cloudformation.Resource{PhysicalID: id, Attributes: attributes}, nil
}

func (s *Server) unmark(req request, imports map[string]string) {
	for name := range imports { // one that is gone has no mark
		_ = s.parameters.Tag(req.old.region(req, "ReaderProps"), name, func(tags map[string]string) { delete(tags, req.old.mark()) })
	}
}

// mark is the tag of a parameter that the consumer uses.
func (p properties) mark() string { return "aws-cdk:strong-ref:" + p.text("ReaderProps", "prefix") }

// region is where the parameters are, as a place of the store.
func (p properties) region(req request, props string) string {
	return wire.Place(req.Scope.Account, p.text(props, "region"))
}

// values reads a map of texts.
func (p properties) values(path ...string) map[string]string {
	members, _ := p.at(path...).(map[string]any)
	values := make(map[string]string, len(members))
	for name := range members {
		values[name] = p.text(append(slices.Clone(path), name)...)
	}
	return values
}

func without(all, others map[string]string) map[string]string {
	rest := maps.Clone(all)
	maps.DeleteFunc(rest, func(name, _ string) bool { _, other := others[name]; return other })
	return rest
}
