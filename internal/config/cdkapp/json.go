package cdkapp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/aphex/aphex-pipeline/internal/limits"
)

// sizeLimit is the largest JSON file of an app, in bytes; lock files of large
// monorepos have some 10 MB.
const sizeLimit = 64 << 20

// ReadJSON decodes a JSON file of the app, such as cdk.json or package.json, in the
// folder top or below: it rejects devices, and symbolic links that point outside of
// top. An empty top is any folder, for files that are not in the repository. Like
// Node.js and the CDK CLI, it accepts a byte order mark, and nothing after the
// value. Numbers in an `any` are json.Number, to keep large ones exact. The error
// for a missing file is fs.ErrNotExist; all others name the file.
func ReadJSON(top, file string, into any) error {
	text, err := readText(top, file)
	if err != nil {
		return err
	}
	return decode(text, into)
}

func readText(top, file string) ([]byte, error) {
	if top == "" {
		return limits.ReadFile(file, sizeLimit)
	}
	return limits.ReadWithin(top, file, sizeLimit)
}

// errUTF16 is the error for UTF-16, which older shells of Windows write, and which
// neither Node.js nor the CDK CLI reads.
var errUTF16 = errors.New("it is encoded as UTF-16, which the CDK does not read: save it as UTF-8")

func decode(text []byte, into any) error {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if isUTF16(text) {
		return errUTF16
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("it is not valid JSON of the expected form: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("it is not valid JSON: unexpected data after its end")
	}
	return nil
}

// isUTF16 reports whether a text is in UTF-16: by its byte order mark, or by a zero
// byte among the first two.
func isUTF16(text []byte) bool {
	return bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff}) ||
		bytes.IndexByte(text[:min(2, len(text))], 0) >= 0
}
