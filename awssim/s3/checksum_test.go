package s3

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestChecksumsHaveTheirPublishedCheckValues(t *testing.T) { // of the text 123456789
	for name, want := range map[string]string{
		crc32Name: "cbf43926", crc32cName: "e3069283", crc64nvmeName: "ae8b14860a799888", sha1Name: "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
		sha256Name: "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
	} {
		h := algorithms[name]()
		_, err := h.Write([]byte("123456789"))
		require.NoError(t, err)
		assert.Equal(t, want, hex.EncodeToString(h.Sum(nil)), name)
	}
}
