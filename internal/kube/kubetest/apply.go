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
			if name != manager && r.URL.Query().Get("force") != "true" && conflict(applied, wanted) {
				answer(w, http.StatusConflict, conflictWith(name))
				return
			}
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
