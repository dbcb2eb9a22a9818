package s3

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// receive reads the request's body into a file and checks it against its
// length and checksums.
func (rq *request) receive(algorithm string) (received, error) {
	if rq.body.Length < 0 {
		return received{}, wire.Errorf("MissingContentLength", "You must provide the Content-Length HTTP header.").WithStatus(http.StatusLengthRequired)
	}
	got, err := rq.store.files.receive(rq.body, crc64nvmeName, algorithm)
	if errors.Is(err, io.ErrUnexpectedEOF) || err == nil && got.size != rq.body.Length {
		rq.store.discard(got)
		return received{}, wire.Errorf("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
	}
	if err != nil {
		return received{}, err
	}
	if err := got.sums.check(rq.header, rq.body.Trailer); err != nil {
		rq.store.discard(got)
		return received{}, err
	}
	return got, nil
}

func (s *Store) discard(got received) {
	if got.file != "" {
		_ = s.files.remove(got.file) // an orphan is cleared at the next start
	}
}

// chosen are the checksums that are kept: the one the client chose, or S3's own.
func chosen(all map[string]string, algorithm string) map[string]string {
	if algorithm == "" {
		algorithm = crc64nvmeName
	}
	return map[string]string{algorithm: all[algorithm]}
}

func putObject(rq *request) error {
	version, err := rq.described()
	if err != nil {
		return err
	}
	algorithm := algorithmOf(rq.header)
	got, err := rq.receive(algorithm)
	if err != nil {
		return err
	}
	version.File, version.Size, version.ETag = got.file, got.size, got.sums.etag()
	version.Checksums, version.ChecksumType = chosen(got.sums.values(), algorithm), fullObject
	stored, versioned, err := rq.store.commit(rq.bucket, rq.key, rq.header, version)
	if err != nil {
		rq.store.discard(got)
		return err
	}
	rq.announce(stored, versioned)
	announceChecksums(rq.answer.Header, stored.Checksums, stored.ChecksumType)
	return rq.done(http.StatusOK)
}

// commit makes a received version the newest if the conditions hold.
func (s *Store) commit(name, key string, conditions http.Header, version Version) (stored Version, versioned bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket, err := s.find(name)
	if err != nil {
		return Version{}, false, err
	}
	if err := checkWrite(conditions, bucket, key); err != nil {
		return Version{}, false, err
	}
	stored, err = s.add(bucket, key, version)
	return stored, bucket.Versioning != "", err
}

// source is what a copy reads from.
type source struct {
	bucket, key, version string
}

func (rq *request) source() (source, error) {
	text, version, _ := strings.Cut(rq.header.Get("X-Amz-Copy-Source"), "?versionId=")
	path, err := url.PathUnescape(text)
	from := source{version: version}
	from.bucket, from.key = splitPath(path)
	if err != nil || from.bucket == "" || from.key == "" {
		return source{}, invalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	bucket, err := rq.store.Bucket(from.bucket)
	if err != nil {
		return source{}, err
	}
	if owner := rq.header.Get("X-Amz-Source-Expected-Bucket-Owner"); owner != "" && owner != bucket.Account {
		return source{}, wire.Commonf(wire.AccessDenied, "Access Denied: the source bucket is not owned by account %s", owner)
	}
	action := "s3:GetObject"
	if version != "" {
		action = "s3:GetObjectVersion"
	}
	return from, rq.permitOn(bucket, action, bucketARN(rq.Region, from.bucket)+"/"+from.key)
}

func copyObject(rq *request) error {
	from, err := rq.source()
	if err != nil {
		return err
	}
	old, file, err := rq.store.openLive(from.bucket, from.key, from.version)
	if err != nil {
		return err
	}
	defer closeFile(file)
	version, err := rq.copied(from, old)
	if err != nil {
		return err
	}
	got, err := rq.store.files.receive(file, crc64nvmeName, algorithmOf(rq.header))
	if err != nil {
		return err
	}
	version.File, version.Size, version.ETag = got.file, got.size, got.sums.etag()
	version.Checksums, version.ChecksumType = chosen(got.sums.values(), algorithmOf(rq.header)), fullObject
	stored, versioned, err := rq.store.commit(rq.bucket, rq.key, rq.header, version)
	if err != nil {
		rq.store.discard(got)
		return err
	}
	rq.announce(stored, versioned)
	return rq.reply(copyResult{ETag: quote(stored.ETag), LastModified: iso(stored.Modified)})
}

type copyResult struct {
	XMLName      xml.Name `xml:"CopyObjectResult"`
	ETag         string
	LastModified string
}

// copied describes the copy: by the original, or anew by the request.
func (rq *request) copied(from source, old Version) (Version, error) {
	version, err := rq.described()
	if err != nil {
		return Version{}, err
	}
	replace := rq.header.Get("X-Amz-Metadata-Directive") == "REPLACE"
	if from.bucket == rq.bucket && from.key == rq.key && from.version == "" && !replace && rq.header.Get("X-Amz-Server-Side-Encryption") == "" {
		return Version{}, wire.Errorf("InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if !replace {
		version.Header, version.Meta = old.Header, old.Meta
	}
	if rq.header.Get("X-Amz-Tagging-Directive") != "REPLACE" {
		version.Tags = old.Tags
	}
	return version, checkCopy(rq.header, old)
}

// checkCopy holds a copy to the conditions on its source.
func checkCopy(header http.Header, old Version) error {
	conditions := http.Header{}
	for _, name := range []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		conditions.Set(name, header.Get("X-Amz-Copy-Source-"+name))
	}
	if checkRead(conditions, old) != nil {
		return preconditionFailed("x-amz-copy-source")
	}
	return nil
}
