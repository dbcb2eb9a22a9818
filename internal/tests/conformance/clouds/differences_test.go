package clouds

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhatTwoCloudsDifferInIsNamedByItsPlace(t *testing.T) {
	t.Parallel()
	left := State{Stacks: map[string]Stack{"a": {Status: "CREATE_COMPLETE", Tags: map[string]string{"team": "blue"}}, "b": {}}}
	right := State{Stacks: map[string]Stack{"a": {Status: "CREATE_COMPLETE", Tags: map[string]string{"team": "red"}}}, Images: []string{"x:1"}}
	found := Differences(left, right)
	assert.Len(t, found, 3)
	assert.Equal(t, "Images: nothing, [x:1]", found[0])
	assert.Equal(t, "Stacks/a/Tags/team: blue, red", found[1])
	assert.Regexp(t, `^Stacks/b: map.*, nothing$`, found[2])
	assert.Empty(t, Differences(left, left))
}
