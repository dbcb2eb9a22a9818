package s3

import (
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

func createMultipartUpload(rq *request) error {
	object, err := rq.described()
	if err != nil {
		return err
	}
	algorithm := algorithmOf(rq.header)
	kind := rq.header.Get("X-Amz-Checksum-Type")
	if kind == "" {
		kind = composite
		if algorithm == "" || algorithm == crc64nvmeName {
			kind = fullObject
		}
	}
	upload, err := rq.store.begin(rq.bucket, Upload{Key: rq.key, Algorithm: algorithm, ChecksumType: kind, Object: object})
	if err != nil {
		return err
	}
	rq.answer.Header.Set("x-amz-server-side-encryption", object.Encryption.Algorithm)
	if algorithm != "" {
		rq.answer.Header.Set("x-amz-checksum-algorithm", algorithm)
		rq.answer.Header.Set("x-amz-checksum-type", kind)
	}
	return rq.reply(struct {
		XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
		Bucket   string
		Key      string
		UploadID string `xml:"UploadId"`
	}{Bucket: rq.bucket, Key: rq.key, UploadID: upload.ID})
}

func (rq *request) partNumber() (int, error) {
	number, err := strconv.Atoi(rq.query.Get("partNumber"))
	if err != nil || number < 1 || number > maxParts {
		return 0, invalidArgument("Part number must be an integer between 1 and 10000, inclusive")
	}
	return number, nil
}

func uploadPart(rq *request) error {
	number, err := rq.partNumber()
	if err != nil {
		return err
	}
	id := rq.query.Get("uploadId")
	upload, err := rq.store.uploadOf(rq.bucket, rq.key, id)
	if err != nil {
		return err
	}
	got, err := rq.receive(upload.Algorithm)
	if err != nil {
		return err
	}
	part, err := rq.store.addPart(rq.bucket, rq.key, id, number, got)
	if err != nil {
		return err
	}
	rq.answer.Header.Set("ETag", quote(part.ETag))
	announceChecksums(rq.answer.Header, chosen(part.Checksums, upload.Algorithm), "")
	return rq.done(http.StatusOK)
}

func uploadPartCopy(rq *request) error {
	number, err := rq.partNumber()
	if err != nil {
		return err
	}
	from, err := rq.source()
	if err != nil {
		return err
	}
	got, err := rq.receiveCopy(from)
	if err != nil {
		return err
	}
	part, err := rq.store.addPart(rq.bucket, rq.key, rq.query.Get("uploadId"), number, got)
	if err != nil {
		return err
	}
	return rq.reply(struct {
		XMLName      xml.Name `xml:"CopyPartResult"`
		ETag         string
		LastModified string
	}{ETag: quote(part.ETag), LastModified: iso(part.Modified)})
}

// receiveCopy reads the range of the source that becomes a part.
func (rq *request) receiveCopy(from source) (received, error) {
	upload, err := rq.store.uploadOf(rq.bucket, rq.key, rq.query.Get("uploadId"))
	if err != nil {
		return received{}, err
	}
	old, file, err := rq.store.openLive(from.bucket, from.key, from.version)
	if err != nil {
		return received{}, err
	}
	defer closeFile(file)
	if err := checkCopy(rq.header, old); err != nil {
		return received{}, err
	}
	part, err := spanOf(rq.header.Get("X-Amz-Copy-Source-Range"), old.Size)
	if err != nil {
		return received{}, err
	}
	return rq.store.files.receive(io.NewSectionReader(file, part.from, part.length), crc64nvmeName, upload.Algorithm)
}

func completeMultipartUpload(rq *request) error {
	var wanted struct {
		Parts []chosenPart `xml:"Part"`
	}
	if err := rq.xmlDocument(&wanted); err != nil {
		return err
	}
	id := rq.query.Get("uploadId")
	upload, err := rq.store.uploadOf(rq.bucket, rq.key, id)
	if err != nil {
		return err
	}
	parts, err := upload.choose(wanted.Parts)
	if err != nil {
		return err
	}
	stored, versioned, err := rq.finish(upload, parts)
	if err != nil {
		return err
	}
	rq.announce(stored, versioned)
	return rq.reply(completed{
		Location: "http://" + rq.HTTP.Host + "/" + rq.bucket + "/" + rq.key, Bucket: rq.bucket, Key: rq.key, ETag: quote(stored.ETag),
		CRC32: stored.Checksums[crc32Name], CRC32C: stored.Checksums[crc32cName], CRC64NVME: stored.Checksums[crc64nvmeName],
		SHA1: stored.Checksums[sha1Name], SHA256: stored.Checksums[sha256Name], ChecksumType: stored.ChecksumType,
	})
}

type completed struct {
	XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
	Location     string
	Bucket       string
	Key          string
	ETag         string
	CRC32        string `xml:"ChecksumCRC32,omitempty"`
	CRC32C       string `xml:"ChecksumCRC32C,omitempty"`
	CRC64NVME    string `xml:"ChecksumCRC64NVME,omitempty"`
	SHA1         string `xml:"ChecksumSHA1,omitempty"`
	SHA256       string `xml:"ChecksumSHA256,omitempty"`
	ChecksumType string `xml:",omitempty"`
}

// finish joins the parts, commits the object and drops the upload.
func (rq *request) finish(upload Upload, parts []Part) (stored Version, versioned bool, err error) {
	got, err := rq.store.join(upload, parts)
	if err != nil {
		return Version{}, false, err
	}
	version, err := upload.assemble(parts, got)
	if err == nil {
		err = promised(rq.header, version)
	}
	if err == nil {
		version.Modified = rq.store.now().UTC()
		stored, versioned, err = rq.store.commit(rq.bucket, rq.key, rq.header, version)
	}
	if err != nil {
		rq.store.discard(got)
		return Version{}, false, err
	}
	return stored, versioned, rq.store.abort(rq.bucket, rq.key, upload.ID)
}

// promised compares size, type of the checksum and checksum of the whole object with what
// the client sent.
func promised(header http.Header, version Version) error {
	if want := header.Get("X-Amz-Mp-Object-Size"); want != "" && want != strconv.FormatInt(version.Size, 10) {
		return wire.Errorf("InvalidRequest", "The provided 'x-amz-mp-object-size' header does not match what was computed")
	}
	if want := header.Get("X-Amz-Checksum-Type"); want != "" && want != version.ChecksumType {
		return wire.Errorf("InvalidRequest", "The upload was created using the %s checksum mode. The complete request must use the same checksum mode.", version.ChecksumType)
	}
	for name, value := range version.Checksums {
		if want := header.Get(checksumPrefix + name); want != "" && want != value {
			return wire.Errorf("BadDigest", "The %s you specified did not match the calculated checksum.", name)
		}
	}
	return nil
}

func abortMultipartUpload(rq *request) error {
	if err := rq.store.abort(rq.bucket, rq.key, rq.query.Get("uploadId")); err != nil {
		return err
	}
	return rq.done(http.StatusNoContent)
}

type partView struct {
	PartNumber   int
	LastModified string
	ETag         string
	Size         int64
}

func listParts(rq *request) error {
	upload, err := rq.store.uploadOf(rq.bucket, rq.key, rq.query.Get("uploadId"))
	if err != nil {
		return err
	}
	var views []partView
	for _, number := range slices.Sorted(maps.Keys(upload.Parts)) {
		part := upload.Parts[number]
		views = append(views, partView{number, iso(part.Modified), quote(part.ETag), part.Size})
	}
	return rq.reply(struct {
		XMLName     xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
		Bucket      string
		Key         string
		UploadID    string `xml:"UploadId"`
		MaxParts    int
		IsTruncated bool
		Parts       []partView `xml:"Part"`
	}{Bucket: rq.bucket, Key: rq.key, UploadID: upload.ID, MaxParts: maxParts, Parts: views})
}

type uploadView struct {
	Key       string
	UploadID  string `xml:"UploadId"`
	Initiated string
}

func listMultipartUploads(rq *request) error {
	rq.store.mu.RLock()
	var views []uploadView
	if bucket := rq.store.buckets[rq.bucket]; bucket != nil {
		for _, id := range slices.Sorted(maps.Keys(bucket.Uploads)) {
			views = append(views, uploadView{bucket.Uploads[id].Key, id, iso(bucket.Uploads[id].Started)})
		}
	}
	rq.store.mu.RUnlock()
	return rq.reply(struct {
		XMLName     xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
		Bucket      string
		IsTruncated bool
		Uploads     []uploadView `xml:"Upload"`
	}{Bucket: rq.bucket, Uploads: views})
}
