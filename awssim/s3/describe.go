package s3

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// kept are the headers of an upload that come back with the object.
var kept = []string{
	"Content-Type", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires",
	"X-Amz-Website-Redirect-Location",
}

const (
	metaPrefix  = "X-Amz-Meta-"
	maxMetadata = 2 << 10 // bytes of all names and values
	maxTags     = 10
)

// described makes the description of a new object from the request's headers.
func (rq *request) described() (Version, error) {
	version := Version{Header: map[string]string{}, Meta: map[string]string{}, Modified: rq.store.now().UTC()}
	for _, name := range kept {
		if value := rq.header.Get(name); value != "" {
			version.Header[name] = value
		}
	}
	version.dropChunking()
	if version.Header["Content-Type"] == "" {
		version.Header["Content-Type"] = "binary/octet-stream"
	}
	size := 0
	for name, values := range rq.header {
		if rest, ok := strings.CutPrefix(name, metaPrefix); ok {
			version.Meta[strings.ToLower(rest)] = strings.Join(values, ",")
			size += len(rest) + len(values[0])
		}
	}
	if size > maxMetadata {
		return Version{}, wire.Errorf("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	}
	if err := rq.describeTags(&version); err != nil {
		return Version{}, err
	}
	return version, rq.describeEncryption(&version)
}

// dropChunking takes aws-chunked out of the encodings: it was of the transfer.
func (v *Version) dropChunking() {
	var left []string
	for encoding := range strings.SplitSeq(v.Header["Content-Encoding"], ",") {
		if encoding = strings.TrimSpace(encoding); encoding != "" && encoding != "aws-chunked" {
			left = append(left, encoding)
		}
	}
	delete(v.Header, "Content-Encoding")
	if len(left) > 0 {
		v.Header["Content-Encoding"] = strings.Join(left, ",")
	}
}

func (rq *request) describeTags(version *Version) error {
	text := rq.header.Get("X-Amz-Tagging")
	if text == "" {
		return nil
	}
	if err := rq.permit("s3:PutObjectTagging", rq.resource()); err != nil {
		return err
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return invalidArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	tags := map[string]string{}
	for name := range values {
		tags[name] = values.Get(name)
	}
	version.Tags = tags
	return checkTags(tags)
}

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return wire.Errorf("BadRequest", "Object tags cannot be greater than 10")
	}
	for key, value := range tags {
		if key == "" || len(key) > 128 || len(value) > 256 {
			return wire.Errorf("InvalidTag", "The TagKey or TagValue you have provided is invalid")
		}
	}
	return nil
}

func (rq *request) describeEncryption(version *Version) error {
	bucket, err := rq.store.Bucket(rq.bucket)
	if err != nil {
		return err
	}
	version.Encryption = bucket.Encryption
	if algorithm := rq.header.Get("X-Amz-Server-Side-Encryption"); algorithm != "" {
		if algorithm != "AES256" && algorithm != "aws:kms" && algorithm != "aws:kms:dsse" {
			return invalidArgument("The encryption method specified is not supported")
		}
		version.Encryption = Encryption{Algorithm: algorithm, KeyID: rq.header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")}
	}
	return nil
}

// announce sets the response headers that every answer about a version has.
func (rq *request) announce(v Version, versioned bool) {
	header := rq.answer.Header
	header.Set("ETag", quote(v.ETag))
	header.Set("x-amz-server-side-encryption", v.Encryption.Algorithm)
	if v.Encryption.KeyID != "" {
		header.Set("x-amz-server-side-encryption-aws-kms-key-id", v.Encryption.KeyID)
	}
	if versioned {
		header.Set("x-amz-version-id", v.ID)
	}
}

func announceChecksums(header http.Header, checksums map[string]string, kind string) {
	for name, value := range checksums {
		header.Set("x-amz-checksum-"+strings.ToLower(name), value)
	}
	if kind != "" && len(checksums) > 0 {
		header.Set("x-amz-checksum-type", kind)
	}
}
