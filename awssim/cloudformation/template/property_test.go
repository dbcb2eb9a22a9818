package template

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// Every graph is either ordered or refused for a circle, and the circle that
// is named is one: each of its members needs another member.
func TestAnyGraphOfResourcesIsOrderedOrItsCircleIsNamed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		count := rapid.IntRange(1, 12).Draw(rt, "count")
		needs := make(map[string][]string, count)
		for i := range count {
			ids := []string{}
			for j := range count {
				if rapid.IntRange(0, 5).Draw(rt, fmt.Sprintf("edge %d %d", i, j)) == 0 {
					ids = append(ids, fmt.Sprintf("R%d", j))
				}
			}
			needs[fmt.Sprintf("R%d", i)] = ids
		}
		cycle := findCycle(needs)
		if cycle == nil {
			assert.True(rt, orderable(needs))
			return
		}
		assert.False(rt, orderable(needs))
		for _, name := range cycle {
			assert.True(rt, slices.ContainsFunc(needs[name], func(id string) bool { return slices.Contains(cycle, id) }))
		}
	})
}

// orderable removes what needs nothing until nothing is left.
func orderable(needs map[string][]string) bool {
	done := map[string]bool{}
	for range needs {
		for name, ids := range needs {
			if !slices.ContainsFunc(ids, func(id string) bool { return !done[id] }) {
				done[name] = true
			}
		}
	}
	return len(done) == len(needs)
}

func TestEvaluatingAValueWithoutFunctionsChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		value := plainValue(rt, 3)
		result, err := (&Env{Template: &Template{}}).Evaluate(value)
		assert.NoError(rt, err)
		assert.Equal(rt, value, result)
		assert.True(rt, Equal(value, result))
	})
}

func plainValue(rt *rapid.T, depth int) any {
	kind := rapid.IntRange(0, 4).Draw(rt, "kind")
	if depth == 0 {
		kind %= 3
	}
	switch kind {
	case 0:
		return rapid.String().Draw(rt, "text")
	case 1:
		return json.Number(fmt.Sprint(rapid.Int().Draw(rt, "number")))
	case 2:
		return rapid.Bool().Draw(rt, "bool")
	case 3:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(rt, "length") {
			list = append(list, plainValue(rt, depth-1))
		}
		return list
	}
	members := map[string]any{}
	for i := range rapid.IntRange(0, 3).Draw(rt, "size") {
		members[fmt.Sprintf("member%d", i)] = plainValue(rt, depth-1)
	}
	return members
}

// FuzzParse holds that no text makes the parser or the evaluation panic, and
// that what is accepted can be ordered.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		yamlTemplate, `{"Resources": {"A": {"Type": "T", "Properties": {"X": {"Fn::Sub": "${!a}${b.c}${"}}}}}`,
		`{"Resources": {"A": {"Type": "T"}}, "Outputs": {"O": {"Value": {"Fn::If": ["C", 1, 2]}}}, "Conditions": {"C": {"Condition": "C"}}}`,
		"Resources:\n  A:\n    Type: !Ref X\n", "!Sub [a, {b: !GetAtt c}]", "{", "? [a]\n: b", "a: !!binary x",
		`{"Resources": {"A": {"Type": "T", "Properties": {"X": {"Fn::Cidr": ["::/0", 256, 127]}}}}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		parsed, err := Parse(body)
		if err != nil {
			return
		}
		assert.Nil(t, findCycle(parsed.Needs(nil)))
		e := &Env{
			Template: parsed, Pseudo: map[string]any{"AWS::Region": "eu-west-1"},
			Resource:  func(string) (any, error) { return "id", nil },
			Attribute: func(string, string) (any, error) { return Unknown{}, nil },
			Import:    func(string) (any, error) { return "value", nil },
			Zones:     func(string) []string { return nil },
		}
		if e.Arguments, err = parsed.Arguments(nil, nil, func(string) (string, string, error) { return "v", "String", nil }); err != nil {
			return
		}
		if _, err := e.Conditions(); err != nil {
			return
		}
		_ = e.CheckRules()
		for _, r := range parsed.Resources {
			_, _ = e.Evaluate(r.Properties)
		}
	})
}
