package remote

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func FuzzFrame(f *testing.F) {
	f.Add(frame(stdoutFrame, 1, "x"))
	f.Add(frame(exitFrame, 2, "{}"))
	f.Add(frame(stderrFrame, maxFrame+1, ""))
	buffer := make([]byte, maxFrame)
	f.Fuzz(func(t *testing.T, data []byte) {
		kind, content, err := readFrame(bytes.NewReader(data), buffer)
		if err == nil && (!bytes.HasPrefix(data, appendFrame(nil, kind, content)) || len(content) > maxFrame) {
			t.Errorf("%q was read as a frame of kind %d with %q", data, kind, content)
		}
	})
}

// FuzzRequest holds that a request to run a command is read within its size, and that the
// command is the one of the request.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"id":"1","args":["Yw=="],"dir":"L3g=","env":null,"output":{"stdout":true,"merged":true},"grace":1}`), uint32(0))
	f.Add([]byte(`{"args":[null]}`), uint32(1))
	f.Add([]byte(`{}`), uint32(maxRequest))
	f.Fuzz(func(t *testing.T, content []byte, missing uint32) {
		size := uint64(len(content)) + uint64(missing%64)
		if missing > maxRequest {
			size = uint64(missing)
		}
		input := bytes.NewReader(append(binary.BigEndian.AppendUint32(nil, uint32(size)), content...))
		request, err := readRequest(input)
		if err != nil {
			return
		}
		if size != uint64(len(content)) || input.Len() != 0 {
			t.Errorf("%q is read as a request of %d bytes", content, size)
		}
		command := request.command(input, &frames{to: &bytes.Buffer{}, flush: func() error { return nil }})
		if len(command.Args) != len(request.Args) || (command.Env == nil) != (request.Env == nil) {
			t.Errorf("%+v", command)
		}
	})
}
