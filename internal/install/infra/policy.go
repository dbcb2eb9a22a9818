package infra

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// RestorePolicy compares the policy of the artifact bucket, as JSON, with that of the
// template. It returns the ids (Sid) of the template's statements that are missing or
// differ, and the policy with them. All of them deny, so that no other statement weakens
// them; others stay. An installed policy of nil is none.
func RestorePolicy(cfg *config.Config, place plan.Place, installed []byte) (policy []byte, missing []string, err error) {
	r := renderer{cfg: cfg, place: place, names: plan.NamesOf(cfg, place)}
	text, err := json.Marshal(r.bucketPolicy()["Properties"].(object)["PolicyDocument"])
	if err != nil {
		return nil, nil, fmt.Errorf("encoding the policy of bucket %q: %w", place.Bucket, err)
	}
	var declared, found struct {
		Version   string
		Statement statements
	}
	if err := json.Unmarshal(text, &declared); err != nil {
		return nil, nil, err
	}
	if installed != nil {
		if err := json.Unmarshal(installed, &found); err != nil {
			return nil, nil, errs.Failedf("reading the policy of bucket %q: %w", place.Bucket, err)
		}
	}
	for _, statement := range declared.Statement {
		if slices.ContainsFunc(found.Statement, func(other object) bool { return equivalent(statement, other) }) {
			continue
		}
		missing = append(missing, statement["Sid"].(string))
		found.Statement = slices.DeleteFunc(found.Statement, func(other object) bool { return other["Sid"] == statement["Sid"] })
		found.Statement = append(found.Statement, statement)
	}
	policy, err = json.Marshal(object{"Version": declared.Version, "Statement": found.Statement})
	return policy, missing, err
}

// statements are those of a policy, which may be one without a list.
type statements []object

// UnmarshalJSON reads one statement or a list of them.
func (s *statements) UnmarshalJSON(data []byte) error {
	var one object
	if json.Unmarshal(data, &one) == nil {
		*s = statements{one}
		return nil
	}
	return json.Unmarshal(data, (*[]object)(s))
}

// equivalent reports whether two statements say the same, whatever their ids: a list of one
// value is the value, and the order of a list does not count.
func equivalent(one, other object) bool {
	return reflect.DeepEqual(normal(without(one, "Sid")), normal(without(other, "Sid")))
}

func without(o object, key string) object {
	rest := object{}
	for name, value := range o {
		if name != key {
			rest[name] = value
		}
	}
	return rest
}

// normal returns a part of a statement with a sorted list of strings for each value.
func normal(value any) any {
	switch value := value.(type) {
	case object:
		all := object{}
		for name, v := range value {
			all[name] = normal(v)
		}
		return all
	case []any:
		texts := make([]string, len(value))
		for i, v := range value {
			texts[i] = fmt.Sprint(v)
		}
		slices.Sort(texts)
		return slices.Compact(texts)
	}
	return []string{fmt.Sprint(value)}
}
