package wire

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// mostDecompressed bounds a compressed body, in bytes.
const mostDecompressed = 8 << 20

// cborDecoding reads what clients send: texts as keys, and times by their tag.
var cborDecoding = decoding()

func decoding() cbor.DecMode {
	mode, err := cbor.DecOptions{DefaultMapType: reflect.TypeFor[map[string]any](), MaxNestedLevels: 32}.DecMode()
	if err != nil {
		panic(err) // the options are constant
	}
	return mode
}

// cborEncoding writes times with their tag, as Smithy's RPC v2 has them.
var cborEncoding = encoding()

func encoding() cbor.EncMode {
	mode, err := cbor.EncOptions{Time: cbor.TimeUnixDynamic, TimeTag: cbor.EncTagRequired}.EncMode()
	if err != nil {
		panic(err)
	}
	return mode
}

// inflated returns the body of a call, which clients compress if it is long.
func (c *Call) inflated() ([]byte, error) {
	if c.HTTP == nil || c.HTTP.Header.Get("Content-Encoding") != "gzip" {
		return c.Body, nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(c.Body))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(reader, mostDecompressed+1))
	if err == nil && len(body) > mostDecompressed {
		err = fmt.Errorf("it has more than %d bytes", mostDecompressed)
	}
	return body, err
}

// TypedCBOR is [Typed] for a CBOR document, and for the same in JSON: times are seconds
// since 1970.
func TypedCBOR[In any](run func(*Call, In) (any, error)) Handler {
	typed := Typed(run)
	return func(ctx context.Context, call *Call) (any, error) {
		body, err := call.inflated()
		if err != nil {
			return nil, unreadable(call, err)
		}
		as := *call
		if as.Body = body; call.HTTP != nil && call.HTTP.Header.Get("X-Amz-Target") != "" {
			return typed(ctx, &as)
		}
		var document any
		if len(body) > 0 {
			if err := cborDecoding.Unmarshal(body, &document); err != nil {
				return nil, unreadable(call, err)
			}
		}
		if as.Body, err = json.Marshal(inSeconds(document)); err != nil {
			return nil, unreadable(call, err)
		}
		return typed(ctx, &as)
	}
}

// inSeconds replaces the times in a document by seconds since 1970.
func inSeconds(at any) any {
	switch at := at.(type) {
	case map[string]any:
		for name, inner := range at {
			at[name] = inSeconds(inner)
		}
	case []any:
		for i, inner := range at {
			at[i] = inSeconds(inner)
		}
	case time.Time:
		return float64(at.UnixMilli()) / 1000
	case cbor.Tag:
		return inSeconds(at.Content)
	}
	return at
}
