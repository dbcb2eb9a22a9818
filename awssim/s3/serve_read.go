package s3

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// overrides are the query parameters by which a read chooses response headers.
var overrides = map[string]string{
	"response-content-type": "Content-Type", "response-content-language": "Content-Language", "response-expires": "Expires",
	"response-cache-control": "Cache-Control", "response-content-disposition": "Content-Disposition",
	"response-content-encoding": "Content-Encoding",
}

// getObject answers GET and HEAD.
func getObject(rq *request) error {
	version, file, err := rq.store.open(rq.bucket, rq.key, rq.query.Get("versionId"))
	if err != nil {
		return rq.missing(err)
	}
	if version.Deleted {
		return wire.Errorf("MethodNotAllowed", "The specified method is not allowed against this resource.").
			WithStatus(http.StatusMethodNotAllowed).WithHeader("x-amz-delete-marker", "true").WithHeader("Allow", "DELETE")
	}
	part, err := rq.partOf(version)
	if err != nil {
		closeFile(file)
		return err
	}
	rq.announceRead(version, part)
	rq.answer.Stream = struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(file, part.from, part.length), file}
	return nil
}

// partOf is what the request reads of a version, if its conditions hold.
func (rq *request) partOf(version Version) (span, error) {
	if err := checkRead(rq.header, version); err != nil {
		return span{}, err
	}
	return rq.span(version)
}

func (rq *request) span(version Version) (span, error) {
	number, text := rq.query.Get("partNumber"), rq.header.Get("Range")
	switch {
	case number != "" && text != "":
		return span{}, invalidArgument("Cannot specify both Range header and partNumber query parameter")
	case number != "":
		return partSpan(version, number)
	}
	return spanOf(text, version.Size)
}

// announceRead sets status and headers of a read.
func (rq *request) announceRead(v Version, part span) {
	header := rq.answer.Header
	for name, value := range v.Header {
		header.Set(name, value)
	}
	for name, value := range v.Meta {
		header.Set("x-amz-meta-"+name, value)
	}
	for parameter, name := range overrides {
		if value := rq.query.Get(parameter); value != "" {
			header.Set(name, value)
		}
	}
	bucket, _ := rq.store.Bucket(rq.bucket) // if it went away, its versioning is of no matter
	rq.announce(v, bucket.Versioning != "")
	header.Set("Last-Modified", httpTime(v.Modified))
	header.Set("Accept-Ranges", "bytes")
	header.Set("Content-Length", strconv.FormatInt(part.length, 10))
	if len(v.Tags) > 0 {
		header.Set("x-amz-tagging-count", strconv.Itoa(len(v.Tags)))
	}
	if rq.query.Has("partNumber") && len(v.Parts) > 0 {
		header.Set("x-amz-mp-parts-count", strconv.Itoa(len(v.Parts)))
	}
	if !part.partial {
		if strings.EqualFold(rq.header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
			announceChecksums(header, v.Checksums, v.ChecksumType)
		}
		return
	}
	header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", part.from, part.from+part.length-1, v.Size))
	rq.answer.Status = http.StatusPartialContent
}
