package redact_test

import (
	"io"
	"strings"
	"testing"

	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

// FuzzWriter holds that a secret does not pass wherever the writes around it are cut, and
// that what is masked at once is masked in pieces.
func FuzzWriter(f *testing.F) {
	f.Add("before ", " after\n", uint16(3))
	f.Add("-----BEGIN RSA PRIVATE"+" KEY-----\nAb0=\n", "\nx", uint16(40))
	f.Add("a\r", "\r\n", uint16(1))
	f.Fuzz(func(t *testing.T, before, after string, cut uint16) {
		const secret = "canary-value-1234"
		text := before + secret + after
		at := int(cut) % (len(text) + 1)
		var out strings.Builder
		w := redact.New(secret).Writer(&out)
		for _, piece := range []string{text[:at], text[at:]} {
			if _, err := io.WriteString(w, piece); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q passes in %q", secret, text)
		}
	})
}
