package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

func fromJSON(src []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(src))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, notJSON(src, decoder.InputOffset(), err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, notJSON(src, decoder.InputOffset(), err)
	}
	return value, nil
}

func notJSON(src []byte, offset int64, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset = syntax.Offset
	}
	before := src[:min(int(offset), len(src))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := max(1, len(before)-bytes.LastIndexByte(before, '\n')-1)
	return formatf("JSON not well-formed. (line %d, column %d)", line, column)
}
