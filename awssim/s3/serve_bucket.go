package s3

import (
	"encoding/xml"
	"errors"
	"net/http"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

type ownerView struct {
	ID          string
	DisplayName string
}

// owner is the canonical user of an account.
func owner(account string) ownerView {
	return ownerView{ID: digest("canonical user " + account), DisplayName: "account-" + account}
}

type bucketView struct {
	Name         string
	CreationDate string
	BucketRegion string
}

func listBuckets(rq *request) error {
	var views []bucketView
	for _, name := range rq.store.Buckets(rq.Caller.Account) {
		bucket, err := rq.store.Bucket(name)
		if err != nil {
			continue // deleted just now
		}
		views = append(views, bucketView{bucket.Name, iso(bucket.Created), bucket.Region})
	}
	return rq.reply(struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
		Owner   ownerView
		Buckets []bucketView `xml:"Buckets>Bucket"`
	}{Owner: owner(rq.Caller.Account), Buckets: views})
}

type bucketConfiguration struct {
	LocationConstraint string
	Tags               []tagView `xml:"Tags>Tag"`
}

func createBucket(rq *request) error {
	var wanted bucketConfiguration
	text, err := rq.document()
	if err != nil {
		return err
	}
	if len(text) > 0 && xml.Unmarshal(text, &wanted) != nil {
		return malformedXML()
	}
	if err := checkLocation(rq.Region, wanted.LocationConstraint); err != nil {
		return err
	}
	bucket := Bucket{Name: rq.bucket, Account: rq.Caller.Account, Region: rq.Region, Tags: tagMap(wanted.Tags)}
	if err := rq.store.Create(bucket); err != nil && !errors.Is(err, errAgain) {
		return err
	}
	rq.answer.Header.Set("Location", "/"+rq.bucket)
	return rq.done(http.StatusOK)
}

// checkLocation holds that a bucket is made where the call was signed for.
func checkLocation(region, location string) error {
	if location == "EU" {
		location = "eu-west-1"
	}
	if location == region || location == "" && region == "us-east-1" {
		return nil
	}
	if location == "" {
		location = "unspecified"
	}
	return wire.Errorf("IllegalLocationConstraintException", "The %s location constraint is incompatible for the region specific endpoint this request was sent to.", location)
}

func headBucket(rq *request) error {
	bucket, err := rq.store.Bucket(rq.bucket)
	if err != nil {
		return err
	}
	rq.answer.Header.Set("x-amz-bucket-region", bucket.Region)
	return rq.done(http.StatusOK)
}

func deleteBucket(rq *request) error {
	if err := rq.store.Delete(rq.bucket); err != nil {
		return err
	}
	return rq.done(http.StatusNoContent)
}

func getBucketLocation(rq *request) error {
	bucket, err := rq.store.Bucket(rq.bucket)
	if err != nil {
		return err
	}
	location := bucket.Region
	if location == "us-east-1" {
		location = ""
	}
	return rq.reply(struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Value   string   `xml:",chardata"`
	}{Value: location})
}

// tagView is one tag in XML.
type tagView struct{ Key, Value string }

func tagMap(tags []tagView) map[string]string {
	named := map[string]string{}
	for _, tag := range tags {
		named[tag.Key] = tag.Value
	}
	return named
}

func httpTime(t time.Time) string { return t.UTC().Format(http.TimeFormat) }
