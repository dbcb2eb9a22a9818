package s3

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// errNotModified is the answer to a read whose caller has the object already.
var errNotModified = &wire.Error{Code: "NotModified", Message: "Not Modified", Status: http.StatusNotModified}

// checkRead holds a read to its conditions. If-Match outranks
// If-Unmodified-Since, If-None-Match outranks If-Modified-Since.
func checkRead(header http.Header, v Version) error {
	if match := header.Get("If-Match"); match != "" {
		if !fitsETag(match, v.ETag) {
			return preconditionFailed("If-Match")
		}
	} else if since, ok := headerTime(header, "If-Unmodified-Since"); ok && v.Modified.Truncate(time.Second).After(since) {
		return preconditionFailed("If-Unmodified-Since")
	}
	if match := header.Get("If-None-Match"); match != "" {
		if fitsETag(match, v.ETag) {
			return errNotModified
		}
	} else if since, ok := headerTime(header, "If-Modified-Since"); ok && !v.Modified.Truncate(time.Second).After(since) {
		return errNotModified
	}
	return nil
}

func headerTime(header http.Header, name string) (time.Time, bool) {
	when, err := http.ParseTime(header.Get(name))
	return when, err == nil
}

func fitsETag(list, etag string) bool {
	for candidate := range strings.SplitSeq(list, ",") {
		candidate = strings.Trim(strings.TrimPrefix(strings.TrimSpace(candidate), "W/"), `"`)
		if candidate == "*" || candidate == etag {
			return true
		}
	}
	return false
}

// checkWrite holds a write to its conditions against the newest version. The
// caller holds the lock, so that of two racing writers only one wins.
func checkWrite(header http.Header, bucket *Bucket, key string) error {
	match, noneMatch := header.Get("If-Match"), header.Get("If-None-Match")
	if noneMatch != "" && noneMatch != "*" {
		return wire.Commonf(wire.UnknownOperation, "A header you provided implies functionality that is not implemented: If-None-Match other than *")
	}
	newest, err := bucket.look(key, "")
	switch {
	case noneMatch == "*" && err == nil:
		return preconditionFailed("If-None-Match")
	case match != "" && err != nil:
		return err
	case match != "" && !fitsETag(match, newest.ETag):
		return preconditionFailed("If-Match")
	}
	return nil
}

// span is a part of an object's bytes.
type span struct {
	from, length int64
	partial      bool
}

// spanOf reads the Range header. Several ranges, and ranges that cannot be
// read, mean the whole object, as in S3.
func spanOf(text string, size int64) (span, error) {
	whole := span{length: size}
	spec, ok := strings.CutPrefix(text, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !ok || !dash || strings.Contains(spec, ",") {
		return whole, nil
	}
	if first == "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil {
			return whole, nil
		}
		n = min(n, size)
		return partOf(size-n, size-1, size)
	}
	from, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return whole, nil
	}
	to := size - 1
	if last != "" {
		if to, err = strconv.ParseInt(last, 10, 64); err != nil || to < from {
			return whole, nil
		}
	}
	return partOf(from, min(to, size-1), size)
}

func partOf(from, to, size int64) (span, error) {
	if from < 0 || from >= size || to < from {
		return span{}, wire.Errorf("InvalidRange", "The requested range is not satisfiable").WithStatus(http.StatusRequestedRangeNotSatisfiable).
			WithField("ActualObjectSize", strconv.FormatInt(size, 10))
	}
	return span{from: from, length: to - from + 1, partial: true}, nil
}

// partSpan is the span of one part of a multipart object, by its number.
func partSpan(v Version, text string) (span, error) {
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 || number > maxParts {
		return span{}, invalidArgument("Part number must be an integer between 1 and 10000, inclusive")
	}
	parts := v.Parts
	if len(parts) == 0 {
		parts = []int64{v.Size}
	}
	if number > len(parts) {
		return span{}, wire.Errorf("InvalidPartNumber", "The requested partnumber is not satisfiable").WithStatus(http.StatusRequestedRangeNotSatisfiable)
	}
	var from int64
	for _, size := range parts[:number-1] {
		from += size
	}
	return span{from: from, length: parts[number-1], partial: v.Size > 0}, nil
}
