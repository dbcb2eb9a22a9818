package diff

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTypesThatKeepDataExistAndAreListedOnce(t *testing.T) {
	for _, typ := range moreStateful {
		known, isPublished := published()[typ]
		assert.True(t, isPublished, typ)
		assert.False(t, known.Stateful, "%s is in AWS's list", typ)
	}
}
