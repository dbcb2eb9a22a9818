package kubetest

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
)

func (s *Server) patch(w http.ResponseWriter, r *http.Request, dry bool) {
	body, _ := io.ReadAll(r.Body)
	if r.Header.Get("Content-Type") == "application/json-patch+json" {
		s.own(w, r, body)
		return
	}
	var wanted Content
	if r.Header.Get("Content-Type") != "application/apply-patch+yaml" || json.Unmarshal(body, &wanted) != nil {
		answer(w, http.StatusBadRequest, refusal(http.StatusBadRequest, "no apply patch"))
		return
	}
	manager := r.URL.Query().Get("fieldManager")
	before := s.objects[r.URL.Path]
	next := &stored{applied: map[string]Content{}}
	if before != nil {
		for name, applied := range before.applied {
			next.applied[name] = applied
			if name == manager || !conflict(applied, wanted) {
				continue
			}
			if r.URL.Query().Get("force") != "true" {
				answer(w, http.StatusConflict, conflictWith(name))
				return
			}
			next.applied[name] = without(applied, wanted)
		}
	}
	next.applied[manager] = wanted
	next.merge()
	s.number(next, before)
	if !dry {
		s.objects[r.URL.Path] = next
		s.Control(r.URL.Path, next.whole)
		s.run(r.URL.Path, next.whole)
	}
	answer(w, http.StatusOK, next.whole)
}

// kubectlApply is the manager of fields that kubectl apply set, which are not of an apply of the server.
const kubectlApply = "kubectl-client-side-apply"

// own replaces the managers of an object: what kubectl apply set becomes the caller's.
func (s *Server) own(w http.ResponseWriter, r *http.Request, body []byte) {
	var patch []struct {
		Path  string
		Value any
	}
	before := s.objects[r.URL.Path]
	if json.Unmarshal(body, &patch) != nil || len(patch) != 2 || patch[0].Path != "/metadata/managedFields" || patch[1].Path != "/metadata/resourceVersion" {
		answer(w, http.StatusBadRequest, refusal(http.StatusBadRequest, "no patch of the managers of an object"))
		return
	}
	if metadata := before.whole["metadata"].(Content); patch[1].Value != metadata["resourceVersion"] {
		answer(w, http.StatusConflict, refusal(http.StatusConflict, "the object has been modified"))
		return
	}
	next := &stored{applied: map[string]Content{}}
	for _, entry := range patch[0].Value.([]any) {
		manager := entry.(Content)["manager"].(string)
		next.applied[manager] = Content{}
		if manager == r.URL.Query().Get("fieldManager") {
			merge(next.applied[manager], before.applied[kubectlApply])
		}
		merge(next.applied[manager], before.applied[manager])
	}
	next.merge()
	s.number(next, before)
	s.objects[r.URL.Path] = next
	answer(w, http.StatusOK, next.whole)
}

func (s *Server) number(next, before *stored) {
	if before != nil && reflect.DeepEqual(before.applied, next.applied) {
		next.whole = before.whole
		return
	}
	s.version++
	next.whole["metadata"].(Content)["resourceVersion"] = strconv.Itoa(s.version)
}

func (o *stored) merge() {
	o.whole = Content{}
	names := make([]string, 0, len(o.applied))
	for name := range o.applied {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		merge(o.whole, o.applied[name])
	}
	if _, found := o.applied[kubectlApply]; found {
		o.whole["metadata"].(Content)["managedFields"] = managed(names)
	}
}

// managed are the managers of an object, whose fields are not listed.
func managed(names []string) []any {
	entries := []any{}
	for _, name := range names {
		operation := "Apply"
		if name == kubectlApply {
			operation = "Update"
		}
		entries = append(entries, Content{"manager": name, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": Content{}})
	}
	return entries
}

func merge(into, from Content) {
	for key, value := range from {
		inner, isMap := value.(Content)
		existing, was := into[key].(Content)
		switch {
		case isMap && was:
			merge(existing, inner)
		case isMap:
			into[key] = Content{}
			merge(into[key].(Content), inner)
		default:
			into[key] = value
		}
	}
}

// without returns what remains of a manager's content if another one takes fields over.
func without(applied, taken Content) Content {
	rest := Content{}
	for key, value := range applied {
		inner, isMap := value.(Content)
		innerTaken, takenMap := taken[key].(Content)
		switch _, both := taken[key]; {
		case isMap && takenMap:
			rest[key] = without(inner, innerTaken)
		case !both || reflect.DeepEqual(value, taken[key]):
			rest[key] = value
		}
	}
	return rest
}

// conflict reports whether two managers set different values of one field.
func conflict(one, other Content) bool {
	for key, value := range one {
		wanted, both := other[key]
		inner, isMap := value.(Content)
		innerWanted, wantedMap := wanted.(Content)
		switch {
		case !both:
		case isMap && wantedMap:
			if conflict(inner, innerWanted) {
				return true
			}
		case !reflect.DeepEqual(value, wanted):
			return true
		}
	}
	return false
}
