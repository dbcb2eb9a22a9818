package s3

import (
	"net/http"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

func noSuchBucket(name string) *wire.Error {
	return wire.Errorf("NoSuchBucket", "The specified bucket does not exist").WithStatus(http.StatusNotFound).WithField("BucketName", name)
}

func noSuchKey(key string) *wire.Error {
	return wire.Errorf("NoSuchKey", "The specified key does not exist.").WithStatus(http.StatusNotFound).WithField("Key", key)
}

func noSuchVersion(key, version string) *wire.Error {
	return wire.Errorf("NoSuchVersion", "The specified version does not exist.").WithStatus(http.StatusNotFound).
		WithField("Key", key).WithField("VersionId", version)
}

func noSuchUpload(id string) *wire.Error {
	return wire.Errorf("NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.").
		WithStatus(http.StatusNotFound).WithField("UploadId", id)
}

func invalidArgument(format string, args ...any) *wire.Error {
	return wire.Errorf("InvalidArgument", format, args...)
}

func malformedXML() *wire.Error {
	return wire.Errorf("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}

func preconditionFailed(condition string) *wire.Error {
	return wire.Errorf("PreconditionFailed", "At least one of the pre-conditions you specified did not hold").
		WithStatus(http.StatusPreconditionFailed).WithField("Condition", condition)
}
