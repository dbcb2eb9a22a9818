package gitpack_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/klauspost/compress/zlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/checkout/gitpack"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// object is an object of a pack made by hand.
type object struct {
	kind plumbing.ObjectType
	back int // of an offset delta: how many objects before this one its base is
	size int64
	data io.Reader
}

// deflate is used again and again: to make one costs more than to deflate something small.
var deflate, _ = zlib.NewWriterLevel(nil, zlib.BestSpeed)

// made puts a pack together, however wrong it is.
func made(objects ...object) []byte {
	var out bytes.Buffer
	out.WriteString("PACK")
	_ = binary.Write(&out, binary.BigEndian, []uint32{2, uint32(len(objects))})
	var offsets []int
	for i, o := range objects {
		offsets = append(offsets, out.Len())
		first, rest := byte(o.kind)<<4|byte(o.size&15), o.size>>4
		for rest > 0 {
			out.WriteByte(first | 0x80)
			first, rest = byte(rest&0x7f), rest>>7
		}
		out.WriteByte(first)
		if o.kind == plumbing.OFSDeltaObject {
			out.Write(distance(offsets[i] - offsets[i-o.back]))
		}
		deflate.Reset(&out)
		_, _ = io.Copy(deflate, o.data)
		_ = deflate.Close()
	}
	sum := sha1.Sum(out.Bytes())
	return append(out.Bytes(), sum[:]...)
}

func distance(n int) []byte {
	bytes := []byte{byte(n & 0x7f)}
	for n >>= 7; n > 0; n >>= 7 {
		n--
		bytes = append([]byte{byte(n&0x7f) | 0x80}, bytes...)
	}
	return bytes
}

func blob(size int64) object {
	return object{kind: plumbing.BlobObject, size: size, data: io.LimitReader(zeros{}, size)}
}

// copies is a delta that copies a base of up to 16 MB that many times.
func copies(back int, base int64, times int) object {
	var data []byte
	data = binary.AppendUvarint(data, uint64(base))
	data = binary.AppendUvarint(data, uint64(base)*uint64(times))
	for range times {
		data = append(data, 0xf0, byte(base), byte(base>>8), byte(base>>16))
	}
	return object{kind: plumbing.OFSDeltaObject, back: back, size: int64(len(data)), data: bytes.NewReader(data)}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// worked is the time that the processors have worked for this process: what a test
// on a busy machine can rely on.
func worked(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func TestAPackMadeByHandIsRead(t *testing.T) {
	p, _, err := receive(t, made(blob(1000), copies(1, 1000, 3), copies(2, 1000, 7)))
	require.NoError(t, err)
	size, err := p.ObjectSize(plumbing.ComputeHash(plumbing.BlobObject, make([]byte, 7000)))
	require.NoError(t, err)
	assert.EqualValues(t, 7000, size)
	_, err = p.ObjectSize(plumbing.ZeroHash)
	assert.ErrorIs(t, err, gitpack.ErrMissing)
}

func TestABombIsRefusedAtOnceAndInBoundedMemory(t *testing.T) {
	const mb = 1 << 20
	many := []object{blob(16*mb - 1)}
	for i := range 20 {
		many = append(many, copies(i+1, 16*mb-1, 7))
	}
	for name, data := range map[string][]byte{
		"one object that is inflated to 300 MB":         made(blob(300 * mb)),
		"many objects":                                  made(blob(60*mb), blob(61*mb), blob(62*mb)),
		"a delta that makes 2 GB of a few bytes":        made(blob(16*mb-1), copies(1, 16*mb-1, 128)),
		"twenty deltas that make 2 GB together":         made(many...),
		"a delta that announces 8 EiB":                  made(blob(10), object{kind: plumbing.OFSDeltaObject, back: 1, size: 10, data: bytes.NewReader([]byte("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"))}),
		"a delta whose own data are inflated to 300 MB": made(blob(10), object{kind: plumbing.OFSDeltaObject, back: 1, size: 300 * mb, data: io.LimitReader(zeros{}, 300*mb)}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Logf("%d bytes", len(data))
			file, err := os.Create(filepath.Join(t.TempDir(), "pack"))
			require.NoError(t, err)
			defer file.Close()
			temporary := t.TempDir()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := worked(t)
			_, err = gitpack.Receive(t.Context(), bytes.NewReader(data), file, temporary, limits.Workspace())
			took := worked(t) - began
			runtime.ReadMemStats(&after)
			require.ErrorIs(t, err, limits.ErrExceeded)
			assert.Less(t, took, refusedWithin, "processor time")
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64*mb))
			left, err := os.ReadDir(temporary)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

func TestAPackOfMoreObjectsThanAllowedIsRefusedByItsHeader(t *testing.T) {
	data := made(blob(1), blob(2), blob(3))
	budget := limits.Workspace()
	budget.Entries = 2
	_, err := gitpack.Receive(t.Context(), bytes.NewReader(data), discard{}, t.TempDir(), budget)
	require.ErrorIs(t, err, limits.ErrExceeded)
	binary.BigEndian.PutUint32(data[8:], 1<<32-1)
	_, err = gitpack.Receive(t.Context(), bytes.NewReader(data), discard{}, t.TempDir(), limits.Workspace())
	require.ErrorIs(t, err, limits.ErrExceeded)
}

func TestABaseThatDoesNotEndIsRefused(t *testing.T) {
	for name, objects := range map[string][]object{
		"a delta of itself":                 {{kind: plumbing.OFSDeltaObject, back: 0, size: 2, data: bytes.NewReader([]byte("\x02\x02"))}},
		"a copy behind the end of the base": {blob(10), {kind: plumbing.OFSDeltaObject, back: 1, size: 5, data: bytes.NewReader([]byte("\x0a\x0a\x91\x05\x0a"))}},
		"a delta of another base":           {blob(10), {kind: plumbing.OFSDeltaObject, back: 1, size: 4, data: bytes.NewReader([]byte("\x0b\x01\x01x"))}},
		"an empty delta":                    {blob(10), {kind: plumbing.OFSDeltaObject, back: 1, size: 0, data: bytes.NewReader(nil)}},
		"an unknown instruction":            {blob(10), {kind: plumbing.OFSDeltaObject, back: 1, size: 3, data: bytes.NewReader([]byte("\x0a\x01\x00"))}},
		"a size announced too small":        {{kind: plumbing.BlobObject, size: 3, data: bytes.NewReader([]byte("four"))}},
	} {
		_, _, err := receive(t, made(objects...))
		require.Error(t, err, name)
		assert.NotErrorIs(t, err, limits.ErrExceeded, name)
	}
}
