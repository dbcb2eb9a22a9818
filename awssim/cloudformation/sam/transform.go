package sam

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const prefix = "AWS::Serverless::"

// Options are what the transform needs of the stack that it is run for.
type Options struct {
	Partition string
	// Evaluate computes a value of parameters, pseudo parameters, mappings and
	// conditions. What names a resource is an error.
	Evaluate func(value any) (any, error)
	// Application returns the URL of the template of an application.
	Application func(id, version string) (string, error)
}

// Transform replaces the serverless resources of a template, in place. The
// error is the message of the transform, without its name.
func Transform(root map[string]any, o Options) error {
	t := &transform{
		Options: o, root: root, given: map[string]bool{}, apis: map[string]*api{},
		globals: map[string]map[string]any{}, made: map[string]string{},
	}
	t.resources, _ = root["Resources"].(map[string]any)
	for id := range t.resources {
		t.given[id] = true
	}
	t.readGlobals()
	if len(t.problems) == 0 {
		t.run()
	}
	if err := t.err(); err != nil {
		return err
	}
	resolve(root, t.made)
	dependencies(t.resources, t.made)
	return t.connect()
}

func (t *transform) err() error {
	if len(t.problems) == 0 {
		return nil
	}
	return fmt.Errorf("Invalid Serverless Application Specification document. Number of errors found: %d. %s",
		len(t.problems), strings.Join(t.problems, " "))
}

// transform is one run.
type transform struct {
	Options
	root      map[string]any
	resources map[string]any
	given     map[string]bool           // logical ids of the template itself
	globals   map[string]map[string]any // by type
	apis      map[string]*api           // by logical id
	made      map[string]string         // logical ids by what they may be called, such as F.Version
	links     []*link                   // connectors, which are made at the end
	problems  []string
}

// makers make what the resources of a type lead to.
var makers = map[string]func(*maker){
	prefix + "Function":     (*maker).function,
	prefix + "StateMachine": (*maker).stateMachine,
	prefix + "Api":          (*maker).restAPI,
	prefix + "HttpApi":      (*maker).httpAPI,
	prefix + "SimpleTable":  (*maker).simpleTable,
	prefix + "LayerVersion": (*maker).layer,
	prefix + "Application":  (*maker).application,
}

// order is that of the types: functions add to APIs, which are made when they
// have everything.
var order = []string{prefix + "Function", prefix + "StateMachine", prefix + "LayerVersion", prefix + "SimpleTable", prefix + "Application"}

func (t *transform) run() {
	var makers []*maker
	for _, id := range sortedKeys(t.resources) {
		if m := t.maker(id); m != nil {
			makers = append(makers, m)
		}
	}
	t.declareAPIs(makers)
	for _, typ := range order {
		for _, m := range makers {
			if m.typ == typ {
				m.make()
			}
		}
	}
	for _, id := range sortedKeys(t.apis) {
		t.apis[id].maker.make()
	}
}

// maker reads the resource with the id; one that is not serverless has none.
func (t *transform) maker(id string) *maker {
	resource, _ := t.resources[id].(map[string]any)
	typ, _ := resource["Type"].(string)
	t.embedded(id, resource)
	if typ == connector {
		t.declareLink(id, resource)
		return nil
	}
	if !strings.HasPrefix(typ, prefix) {
		return nil
	}
	if makers[typ] == nil {
		t.invalid(id, "the simulator's transform does not support the resource type %s", typ)
		return nil
	}
	own, ok := resource["Properties"].(map[string]any)
	if !ok && resource["Properties"] != nil {
		t.invalid(id, "Properties should be a map.")
		return nil
	}
	ignored := resource["IgnoreGlobals"]
	delete(resource, "IgnoreGlobals")
	return t.newMaker(id, resource, overlaid(t.globalsFor(id, typ, ignored), own))
}

func (t *transform) newMaker(id string, resource, values map[string]any) *maker {
	typ, _ := resource["Type"].(string)
	m := &maker{transform: t, id: id, typ: typ, resource: resource}
	m.p = &properties{m: m, values: values, taken: map[string]bool{}}
	return m
}

// invalid notes what is wrong with a resource.
func (t *transform) invalid(id, format string, args ...any) {
	text := fmt.Sprintf("Resource with id [%s] is invalid. %s", id, fmt.Sprintf(format, args...))
	if !slices.Contains(t.problems, text) {
		t.problems = append(t.problems, text)
	}
}

// maker makes what one resource leads to.
type maker struct {
	*transform
	id       string
	typ      string
	resource map[string]any
	p        *properties
	event    string // that is being made
	tags     []any  // that everything that is made has
}

func (m *maker) make() {
	makers[m.typ](m)
	m.p.end()
}

// invalid notes what is wrong with the resource, or with its event.
func (m *maker) invalid(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if m.event != "" {
		text = fmt.Sprintf("Event with id [%s] is invalid. %s", m.event, text)
	}
	m.transform.invalid(m.id, "%s", text)
}

// become makes the resource one of another type.
func (m *maker) become(typ string, properties map[string]any) {
	m.resource["Type"], m.resource["Properties"] = typ, properties
}

// passed are the attributes that everything that is made has too.
var passed = []string{"Condition", "DeletionPolicy", "UpdateReplacePolicy"}

// add makes another resource, with the attributes that are passed on.
func (m *maker) add(id, typ string, properties map[string]any) map[string]any {
	made := map[string]any{"Type": typ, "Properties": m.tagged(typ, properties)}
	for _, name := range passed {
		if m.resource[name] != nil {
			made[name] = m.resource[name]
		}
	}
	if m.given[id] {
		m.invalid("Transforming it makes a resource with the logical id [%s], which the template has.", id)
	}
	m.resources[id] = made
	return made
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
