package s3

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// common are the inputs of every operation: those of the signature, of the transfer and of
// its checksums.
var common = []string{
	"x-id", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders",
	"X-Amz-Content-Sha256", "X-Amz-Decoded-Content-Length", "X-Amz-Expected-Bucket-Owner", "X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Trailer",
	"X-Amz-User-Agent",
	checksumPrefix + "Crc32", checksumPrefix + "Crc32c", checksumPrefix + "Crc64nvme", checksumPrefix + "Sha1", checksumPrefix + "Sha256",
}

var (
	paged     = []string{"delimiter", "encoding-type", "max-keys", "prefix"}
	readers   = []string{"If-Match", "If-Modified-Since", "If-None-Match", "If-Unmodified-Since", "X-Amz-Checksum-Mode", "partNumber", "versionId"}
	describes = []string{
		metaPrefix, "X-Amz-Acl", "X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "X-Amz-Storage-Class",
		"X-Amz-Tagging", "X-Amz-Website-Redirect-Location",
	}
	creates = []string{"If-Match", "If-None-Match"}
	copies  = []string{
		"X-Amz-Copy-Source", "X-Amz-Copy-Source-If-Match", "X-Amz-Copy-Source-If-Modified-Since", "X-Amz-Copy-Source-If-None-Match",
		"X-Amz-Copy-Source-If-Unmodified-Since", "X-Amz-Source-Expected-Bucket-Owner",
	}
)

// inputs are the query parameters and the headers that an operation supports besides the
// common ones; a name that ends with a hyphen stands for all that begin so. Those of S3 that
// are missing here are refused by name, so that none is ignored silently. Not simulated are
// access control lists, object locks, storage classes, keys of customers and requester pays.
var inputs = map[string][]string{
	"CreateBucket":            {"X-Amz-Acl", "X-Amz-Bucket-Object-Lock-Enabled", "X-Amz-Object-Ownership"},
	"ListObjects":             slices.Concat(paged, []string{"marker"}),
	"ListObjectsV2":           slices.Concat(paged, []string{"continuation-token", "list-type", "start-after"}),
	"ListObjectVersions":      slices.Concat(paged, []string{"key-marker", "versions"}),
	"ListMultipartUploads":    {"uploads"},
	"GetObject":               slices.Concat(readers, slices.Collect(maps.Keys(overrides))),
	"HeadObject":              slices.Concat(readers, slices.Collect(maps.Keys(overrides))),
	"PutObject":               slices.Concat(describes, creates),
	"CopyObject":              slices.Concat(describes, creates, copies, []string{"X-Amz-Checksum-Algorithm", "X-Amz-Metadata-Directive", "X-Amz-Tagging-Directive"}),
	"DeleteObject":            {"versionId"},
	"DeleteObjects":           {"delete"},
	"GetObjectTagging":        {"versionId"},
	"PutObjectTagging":        {"versionId"},
	"DeleteObjectTagging":     {"versionId"},
	"CreateMultipartUpload":   slices.Concat(describes, []string{"X-Amz-Checksum-Algorithm", "X-Amz-Checksum-Type", "uploads"}),
	"UploadPart":              {"partNumber", "uploadId"},
	"UploadPartCopy":          slices.Concat(copies, []string{"X-Amz-Copy-Source-Range", "partNumber", "uploadId"}),
	"CompleteMultipartUpload": slices.Concat(creates, []string{"X-Amz-Checksum-Type", "X-Amz-Mp-Object-Size", "uploadId"}),
	"AbortMultipartUpload":    {"uploadId"},
	"ListParts":               {"uploadId"},
}

// choices are the values of inputs that are supported with some values only.
var choices = map[string][]string{
	"X-Amz-Acl":                        {"private", "bucket-owner-full-control"}, // what a bucket without lists accepts
	"X-Amz-Bucket-Object-Lock-Enabled": {"false"},
	"X-Amz-Checksum-Algorithm":         slices.Collect(maps.Keys(algorithms)),
	"X-Amz-Checksum-Type":              {fullObject, composite},
	"X-Amz-Metadata-Directive":         {"COPY", "REPLACE"},
	"X-Amz-Object-Ownership":           {"BucketOwnerEnforced"},
	"X-Amz-Sdk-Checksum-Algorithm":     slices.Collect(maps.Keys(algorithms)),
	"X-Amz-Storage-Class":              {"STANDARD"},
	"X-Amz-Tagging-Directive":          {"COPY", "REPLACE"},
}

// checkInputs refuses query parameters and headers that the operation does not support.
func (rq *request) checkInputs() error {
	for _, name := range slices.Sorted(maps.Keys(rq.query)) {
		if !rq.supports(name) && !rq.namedBy(name) {
			return rq.unsupported("the parameter " + name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rq.header)) {
		if !strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, "If-") {
			continue // not of S3
		}
		if !rq.supports(name) {
			return rq.unsupported("the header " + strings.ToLower(name))
		}
		values, value := choices[name], rq.header.Get(name)
		if values != nil && !slices.ContainsFunc(values, func(one string) bool { return strings.EqualFold(one, value) }) {
			return rq.unsupported("the value " + value + " of the header " + strings.ToLower(name))
		}
	}
	return nil
}

func (rq *request) supports(name string) bool {
	fits := func(one string) bool {
		return one == name || strings.HasSuffix(one, "-") && strings.HasPrefix(name, one)
	}
	return slices.ContainsFunc(common, fits) || slices.ContainsFunc(inputs[rq.Operation], fits)
}

// namedBy reports whether the operation has its name from a query parameter.
func (rq *request) namedBy(name string) bool {
	part := objectSubresources[name]
	if rq.key == "" {
		part = bucketSubresources[name]
	}
	return part != "" && verbs[rq.HTTP.Method]+part == rq.Operation
}

func (rq *request) unsupported(what string) error {
	return wire.Errorf("NotImplemented", "the simulator does not support %s of s3:%s", what, rq.Operation).WithStatus(http.StatusNotImplemented)
}
