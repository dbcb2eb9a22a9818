package cdkapp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/aphex/aphex-pipeline/internal/limits"
)

// sizeLimit is the largest JSON file of an app that is read, in bytes; lock files
// of large monorepos have some 10 MB.
const sizeLimit = 64 << 20

// ReadJSON decodes a JSON file of the app, such as cdk.json or package.json, in the
// folder top or below: a symbolic link does not lead out of it, and a device is not
// read. An empty top is any folder, for files that are not the repository's. As
// with Node.js and the CDK CLI, a byte order mark may stand before it, and
// nothing may stand behind it. Numbers in an `any` are json.Number, so that large
// ones stay what they are. The error of a file that does not exist is
// fs.ErrNotExist; every other one names the file.
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

// errUTF16 is the encoding in which older shells of Windows write files, and
// which neither Node.js nor the CDK CLI reads.
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

// isUTF16 reports whether a text is in UTF-16: by its byte order mark or, without
// one, by the zero byte that one of the first two characters of any JSON has then.
func isUTF16(text []byte) bool {
	return bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff}) ||
		bytes.IndexByte(text[:min(2, len(text))], 0) >= 0
}
