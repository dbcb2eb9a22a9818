package s3

import (
	"encoding/xml"
	"net/http"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

func deleteObject(rq *request) error {
	gone, err := rq.store.erase(rq.bucket, rq.key, rq.query.Get("versionId"))
	if err != nil {
		return err
	}
	if gone.version != "" {
		rq.answer.Header.Set("x-amz-version-id", gone.version)
	}
	if gone.marker {
		rq.answer.Header.Set("x-amz-delete-marker", "true")
	}
	return rq.done(http.StatusNoContent)
}

type deletion struct {
	Objects []struct {
		Key       string
		VersionID string `xml:"VersionId"`
	} `xml:"Object"`
	Quiet bool
}

type deletedView struct {
	Key                   string
	VersionID             string `xml:"VersionId,omitempty"`
	DeleteMarker          bool   `xml:",omitempty"`
	DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
}

type failedView struct {
	Key       string
	VersionID string `xml:"VersionId,omitempty"`
	Code      string
	Message   string
}

// deleteObjects deletes up to 1000 keys; each is permitted by itself.
func deleteObjects(rq *request) error {
	var wanted deletion
	if err := rq.xmlDocument(&wanted); err != nil {
		return err
	}
	if len(wanted.Objects) == 0 || len(wanted.Objects) > pageSize {
		return malformedXML()
	}
	var deleted []deletedView
	var failed []failedView
	for _, object := range wanted.Objects {
		view, err := rq.deleteOne(object.Key, object.VersionID)
		if err != nil {
			spoken := wire.RestXML.Spoken(err)
			failed = append(failed, failedView{object.Key, object.VersionID, spoken.Code, spoken.Message})
			continue
		}
		deleted = append(deleted, view)
	}
	if wanted.Quiet {
		deleted = nil
	}
	return rq.reply(struct {
		XMLName xml.Name      `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
		Deleted []deletedView `xml:"Deleted"`
		Errors  []failedView  `xml:"Error"`
	}{Deleted: deleted, Errors: failed})
}

func (rq *request) deleteOne(key, version string) (deletedView, error) {
	action := "s3:DeleteObject"
	if version != "" {
		action = "s3:DeleteObjectVersion"
	}
	if err := rq.permit(action, bucketARN(rq.Region, rq.bucket)+"/"+key); err != nil {
		return deletedView{}, err
	}
	gone, err := rq.store.erase(rq.bucket, key, version)
	if err != nil {
		return deletedView{}, err
	}
	view := deletedView{Key: key, VersionID: version, DeleteMarker: gone.marker}
	if gone.marker {
		view.DeleteMarkerVersionID = gone.version
	}
	return view, nil
}

func getObjectTagging(rq *request) error {
	version, file, err := rq.store.open(rq.bucket, rq.key, rq.query.Get("versionId"))
	if err != nil {
		return rq.missing(err)
	}
	if file != nil {
		closeFile(file)
	}
	return rq.reply(viewTags(version.Tags))
}

func putObjectTagging(rq *request) error {
	var wanted taggingView
	if err := rq.xmlDocument(&wanted); err != nil {
		return err
	}
	tags := tagMap(wanted.Tags)
	if err := checkTags(tags); err != nil {
		return err
	}
	return rq.tag(http.StatusOK, tags)
}

func deleteObjectTagging(rq *request) error { return rq.tag(http.StatusNoContent, nil) }

// tag replaces the tags of a version.
func (rq *request) tag(status int, tags map[string]string) error {
	err := rq.store.Change(rq.bucket, func(bucket *Bucket) error {
		version, err := bucket.look(rq.key, rq.query.Get("versionId"))
		if err != nil {
			return err
		}
		for i, candidate := range bucket.Objects[rq.key] {
			if candidate.ID == version.ID {
				bucket.Objects[rq.key][i].Tags = tags
			}
		}
		return nil
	})
	if err != nil {
		return rq.missing(err)
	}
	return rq.done(status)
}
