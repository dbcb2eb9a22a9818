package s3

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// The checksum algorithms of S3. CRC64NVME is what S3 adds by itself.
const (
	crc32Name     = "CRC32"
	crc32cName    = "CRC32C"
	crc64nvmeName = "CRC64NVME"
	sha1Name      = "SHA1"
	sha256Name    = "SHA256"
)

// The types of a checksum.
const (
	fullObject = "FULL_OBJECT"
	composite  = "COMPOSITE"
)

// nvme is the reversed polynomial of CRC-64/NVME.
var nvme = crc64.MakeTable(0x9A6C9329AC4BC9B5)

var algorithms = map[string]func() hash.Hash{
	crc32Name:     func() hash.Hash { return crc32.NewIEEE() },
	crc32cName:    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	crc64nvmeName: func() hash.Hash { return crc64.New(nvme) },
	sha1Name:      sha1.New,
	sha256Name:    sha256.New,
}

const checksumPrefix = "X-Amz-Checksum-"

// algorithmOf says which checksum a request speaks of; empty for none.
func algorithmOf(header http.Header) string {
	for name := range algorithms {
		if header.Get(checksumPrefix+name) != "" || strings.EqualFold(header.Get("X-Amz-Trailer"), checksumPrefix+name) {
			return name
		}
	}
	for _, name := range []string{"X-Amz-Checksum-Algorithm", "X-Amz-Sdk-Checksum-Algorithm"} {
		if _, known := algorithms[strings.ToUpper(header.Get(name))]; known {
			return strings.ToUpper(header.Get(name))
		}
	}
	return ""
}

// sums computes the checksums of a body in passing.
type sums struct {
	md5  hash.Hash
	more map[string]hash.Hash
}

func newSums(names ...string) *sums {
	s := &sums{md5: md5.New(), more: map[string]hash.Hash{}}
	for _, name := range names {
		if name != "" {
			s.more[name] = algorithms[name]()
		}
	}
	return s
}

func (s *sums) Write(p []byte) (int, error) {
	s.md5.Write(p)
	for _, h := range s.more {
		h.Write(p)
	}
	return len(p), nil
}

func (s *sums) etag() string { return hex.EncodeToString(s.md5.Sum(nil)) }

func (s *sums) values() map[string]string {
	values := map[string]string{}
	for name, h := range s.more {
		values[name] = base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
	return values
}

// check compares with what header and trailer promised.
func (s *sums) check(header, trailer http.Header) error {
	if want := header.Get("Content-Md5"); want != "" && want != base64.StdEncoding.EncodeToString(s.md5.Sum(nil)) {
		return wire.Errorf("BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	for name, value := range s.values() {
		for _, promise := range []http.Header{header, trailer} {
			if want := promise.Get(checksumPrefix + name); want != "" && want != value {
				return wire.Errorf("BadDigest", "The %s you specified did not match the calculated checksum.", name)
			}
		}
	}
	return nil
}

// combined is the checksum over the checksums of parts, as S3 makes it for
// multipart uploads of the COMPOSITE type.
func combined(algorithm string, parts []string) (string, error) {
	h := algorithms[algorithm]()
	for _, part := range parts {
		raw, err := base64.StdEncoding.DecodeString(part)
		if err != nil {
			return "", err
		}
		h.Write(raw)
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}

// combinedETag is the MD5 over the MD5s of parts.
func combinedETag(parts []string) (string, error) {
	h := md5.New()
	for _, part := range parts {
		raw, err := hex.DecodeString(part)
		if err != nil {
			return "", err
		}
		h.Write(raw)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// received are bytes that lie in a file of the incoming directory.
type received struct {
	file string
	size int64
	sums *sums
}

// receive writes a body to a new file. The file is the caller's to place.
func (f *files) receive(body io.Reader, algorithms ...string) (received, error) {
	file, name, err := f.incoming()
	if err != nil {
		return received{}, err
	}
	slices.Sort(algorithms)
	got := received{file: name, sums: newSums(slices.Compact(algorithms)...)}
	got.size, err = io.Copy(io.MultiWriter(file, got.sums), body)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		_ = f.remove(name) // the error of the copy says more
		return received{}, err
	}
	return got, nil
}
