package assembly_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
)

func TestStacksAreSelectedByNamePathIDAndGlob(t *testing.T) {
	a := read(t, golden)
	cases := []struct {
		patterns []string
		paths    []string
	}{
		{[]string{"Data"}, []string{"Data"}},
		{[]string{"prod-data"}, []string{"Prod/Data"}},
		{[]string{"Prod/Data"}, []string{"Prod/Data"}},
		{[]string{"ProdWebF45B1510"}, []string{"Prod/Web"}},
		{[]string{"*"}, []string{"Anywhere", "Data", "Web"}},
		{[]string{"**"}, []string{"Anywhere", "Data", "Web", "Prod/Data", "Prod/Web"}},
		{[]string{"**/Data"}, []string{"Data", "Prod/Data"}},
		{[]string{"Prod/*"}, []string{"Prod/Data", "Prod/Web"}},
		{[]string{"{Data,Web}"}, []string{"Data", "Web"}},
		{[]string{"Dat?", "Web"}, []string{"Data", "Web"}},
		{[]string{"**", "!Prod/*"}, []string{"Anywhere", "Data", "Web"}},
		{[]string{"!Anywhere", "!Prod/Web"}, []string{"Data", "Web", "Prod/Data"}},
		{nil, nil},
	}
	for _, c := range cases {
		selected, err := a.Select(c.patterns...)
		require.NoError(t, err, c.patterns)
		var paths []string
		for _, s := range selected {
			paths = append(paths, s.Path)
		}
		assert.Equal(t, c.paths, paths, c.patterns)
	}
}

func TestTheErrorForAnUnknownStackHasTheNearestNameAndAllNames(t *testing.T) {
	_, err := read(t, golden).Select("Prod/Dat")
	assert.EqualError(t, err, `the CDK app has no stack "Prod/Dat"; its stacks are Anywhere, Data, Web, Prod/Data, Prod/Web`)
	var typed *assembly.Error
	require.ErrorAs(t, err, &typed)
	assert.Equal(t, "did you mean Prod/Data?", typed.Hint)

	_, err = read(t, golden).Select("Completely/Different(Thing")
	require.ErrorAs(t, err, &typed)
	assert.Empty(t, typed.Hint)

	_, err = (&assembly.Assembly{}).Select("Data")
	assert.ErrorContains(t, err, "the CDK app defines no stacks")
}

func TestAStackIsFoundByItsID(t *testing.T) {
	found, ok := read(t, golden).Stack("ProdWebF45B1510")
	assert.True(t, ok)
	assert.Equal(t, "Prod/Web", found.Path)
	_, ok = read(t, golden).Stack("Prod/Web")
	assert.False(t, ok)
}
