package s3

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

type versioningView struct {
	XMLName xml.Name `xml:"VersioningConfiguration"`
	Status  string   `xml:",omitempty"`
}

func getVersioning(rq *request) error {
	bucket, err := rq.store.Bucket(rq.bucket)
	if err != nil {
		return err
	}
	return rq.reply(versioningView{Status: bucket.Versioning})
}

func putVersioning(rq *request) error {
	var wanted versioningView
	if err := rq.xmlDocument(&wanted); err != nil {
		return err
	}
	if wanted.Status != Enabled && wanted.Status != Suspended {
		return malformedXML()
	}
	return rq.change(http.StatusOK, func(bucket *Bucket) error {
		bucket.Versioning = wanted.Status
		return nil
	})
}

type encryptionView struct {
	XMLName xml.Name         `xml:"ServerSideEncryptionConfiguration"`
	Rules   []encryptionRule `xml:"Rule"`
}

type encryptionRule struct {
	Algorithm string `xml:"ApplyServerSideEncryptionByDefault>SSEAlgorithm"`
	KeyID     string `xml:"ApplyServerSideEncryptionByDefault>KMSMasterKeyID,omitempty"`
	BucketKey bool   `xml:"BucketKeyEnabled"`
}

func getEncryption(rq *request) error {
	bucket, err := rq.store.Bucket(rq.bucket)
	if err != nil {
		return err
	}
	set := bucket.Encryption
	return rq.reply(encryptionView{Rules: []encryptionRule{{set.Algorithm, set.KeyID, set.BucketKey}}})
}

func putEncryption(rq *request) error {
	var wanted encryptionView
	if err := rq.xmlDocument(&wanted); err != nil {
		return err
	}
	if len(wanted.Rules) != 1 || !slices.Contains([]string{"AES256", "aws:kms", "aws:kms:dsse"}, wanted.Rules[0].Algorithm) {
		return malformedXML()
	}
	rule := wanted.Rules[0]
	return rq.change(http.StatusOK, func(bucket *Bucket) error {
		bucket.Encryption = Encryption(rule)
		return nil
	})
}

func deleteEncryption(rq *request) error {
	return rq.change(http.StatusNoContent, func(bucket *Bucket) error {
		bucket.Encryption = Encryption{Algorithm: "AES256"}
		return nil
	})
}

func getPolicy(rq *request) error {
	bucket, err := rq.store.Bucket(rq.bucket)
	if err != nil {
		return err
	}
	if bucket.Policy == "" {
		return notConfigured("NoSuchBucketPolicy", rq.bucket)
	}
	return rq.text("application/json", bucket.Policy)
}

func putPolicy(rq *request) error {
	text, err := rq.document()
	if err != nil {
		return err
	}
	if len(text) == 0 {
		return wire.Errorf("MalformedPolicy", "The policy is empty.")
	}
	return rq.change(http.StatusNoContent, func(bucket *Bucket) error { return bucket.SetPolicy(string(text)) })
}

func deletePolicy(rq *request) error {
	return rq.change(http.StatusNoContent, func(bucket *Bucket) error { return bucket.SetPolicy("") })
}

type taggingView struct {
	XMLName xml.Name  `xml:"Tagging"`
	Tags    []tagView `xml:"TagSet>Tag"`
}

func viewTags(tags map[string]string) taggingView {
	view := taggingView{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		view.Tags = append(view.Tags, tagView{key, tags[key]})
	}
	return view
}

func getTagging(rq *request) error {
	bucket, err := rq.store.Bucket(rq.bucket)
	if err != nil {
		return err
	}
	if len(bucket.Tags) == 0 {
		return notConfigured("NoSuchTagSet", rq.bucket)
	}
	return rq.reply(viewTags(bucket.Tags))
}

func putTagging(rq *request) error {
	var wanted taggingView
	if err := rq.xmlDocument(&wanted); err != nil {
		return err
	}
	return rq.change(http.StatusNoContent, func(bucket *Bucket) error {
		bucket.Tags = tagMap(wanted.Tags)
		return nil
	})
}

func deleteTagging(rq *request) error {
	return rq.change(http.StatusNoContent, func(bucket *Bucket) error {
		bucket.Tags = map[string]string{}
		return nil
	})
}

// getACL shows the only access control list there is: the owner may everything.
func getACL(rq *request) error {
	bucket, err := rq.store.Bucket(rq.bucket)
	if err != nil {
		return err
	}
	who := owner(bucket.Account)
	return rq.text("application/xml", fmt.Sprintf(`%s<AccessControlPolicy xmlns="%s"><Owner><ID>%s</ID><DisplayName>%s</DisplayName></Owner><AccessControlList>`+
		`<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>%[3]s</ID></Grantee>`+
		`<Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>`, xml.Header, namespace, who.ID, who.DisplayName))
}
