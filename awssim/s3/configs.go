package s3

import (
	"bytes"
	"encoding/xml"
	"net/http"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// bucketSubresources are the query parameters that name a part of a bucket,
// with the parts their operation names are made of.
var bucketSubresources = map[string]string{
	"versioning": "BucketVersioning", "encryption": "BucketEncryption", "policy": "BucketPolicy", "policyStatus": "BucketPolicyStatus",
	"tagging": "BucketTagging", "location": "BucketLocation", "acl": "BucketAcl", "accelerate": "BucketAccelerateConfiguration",
	"requestPayment": "BucketRequestPayment", "lifecycle": "BucketLifecycleConfiguration", "publicAccessBlock": "PublicAccessBlock",
	"ownershipControls": "BucketOwnershipControls", "cors": "BucketCors", "logging": "BucketLogging",
	"notification": "BucketNotificationConfiguration", "website": "BucketWebsite", "replication": "BucketReplication",
	"object-lock": "ObjectLockConfiguration", "metadataTable": "BucketMetadataTableConfiguration", "analytics": "BucketAnalyticsConfiguration",
	"metrics": "BucketMetricsConfiguration", "inventory": "BucketInventoryConfiguration", "intelligent-tiering": "BucketIntelligentTieringConfiguration",
}

// config is a configuration of a bucket that is kept as the XML it came in.
type config struct {
	name    string // under which the bucket keeps it
	get     string // the operations
	put     string
	remove  string
	read    string // the actions
	write   string
	missing string // the error's code when there is none
	empty   string // what is answered instead of an error; empty for an error
}

var configs = []config{
	{
		name: "lifecycle", get: "GetBucketLifecycleConfiguration", put: "PutBucketLifecycleConfiguration", remove: "DeleteBucketLifecycleConfiguration",
		read: "s3:GetLifecycleConfiguration", write: "s3:PutLifecycleConfiguration", missing: "NoSuchLifecycleConfiguration",
	},
	{
		name: "publicAccessBlock", get: "GetPublicAccessBlock", put: "PutPublicAccessBlock", remove: "DeletePublicAccessBlock",
		read: "s3:GetBucketPublicAccessBlock", write: "s3:PutBucketPublicAccessBlock", missing: "NoSuchPublicAccessBlockConfiguration",
	},
	{
		name: "ownershipControls", get: "GetBucketOwnershipControls", put: "PutBucketOwnershipControls", remove: "DeleteBucketOwnershipControls",
		read: "s3:GetBucketOwnershipControls", write: "s3:PutBucketOwnershipControls", missing: "OwnershipControlsNotFoundError",
		empty: "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>",
	},
	{
		name: "cors", get: "GetBucketCors", put: "PutBucketCors", remove: "DeleteBucketCors",
		read: "s3:GetBucketCORS", write: "s3:PutBucketCORS", missing: "NoSuchCORSConfiguration",
	},
	{
		name: "website", get: "GetBucketWebsite", put: "PutBucketWebsite", remove: "DeleteBucketWebsite",
		read: "s3:GetBucketWebsite", write: "s3:PutBucketWebsite", missing: "NoSuchWebsiteConfiguration",
	},
	{
		name: "logging", get: "GetBucketLogging", put: "PutBucketLogging",
		read: "s3:GetBucketLogging", write: "s3:PutBucketLogging", empty: "<BucketLoggingStatus></BucketLoggingStatus>",
	},
	{
		name: "notification", get: "GetBucketNotificationConfiguration", put: "PutBucketNotificationConfiguration",
		read: "s3:GetBucketNotification", write: "s3:PutBucketNotification", empty: "<NotificationConfiguration></NotificationConfiguration>",
	},
}

func bucketConfigOperations() map[string]operation {
	all := map[string]operation{
		"GetBucketVersioning":    {needs("s3:GetBucketVersioning"), getVersioning},
		"PutBucketVersioning":    {needs("s3:PutBucketVersioning"), putVersioning},
		"GetBucketEncryption":    {needs("s3:GetEncryptionConfiguration"), getEncryption},
		"PutBucketEncryption":    {needs("s3:PutEncryptionConfiguration"), putEncryption},
		"DeleteBucketEncryption": {needs("s3:PutEncryptionConfiguration"), deleteEncryption},
		"GetBucketPolicy":        {needs("s3:GetBucketPolicy"), getPolicy},
		"PutBucketPolicy":        {needs("s3:PutBucketPolicy"), putPolicy},
		"DeleteBucketPolicy":     {needs("s3:DeleteBucketPolicy"), deletePolicy},
		"GetBucketTagging":       {needs("s3:GetBucketTagging"), getTagging},
		"PutBucketTagging":       {needs("s3:PutBucketTagging"), putTagging},
		"DeleteBucketTagging":    {needs("s3:PutBucketTagging"), deleteTagging},
		"GetBucketAcl":           {needs("s3:GetBucketAcl"), getACL},
	}
	for _, c := range configs {
		all[c.get] = operation{needs(c.read), c.answer}
		all[c.put] = operation{needs(c.write), c.store}
		if c.remove != "" {
			all[c.remove] = operation{needs(c.write), c.clear}
		}
	}
	return all
}

func (c config) answer(rq *request) error {
	bucket, err := rq.store.Bucket(rq.bucket)
	if err != nil {
		return err
	}
	text := bucket.Configs[c.name]
	if text == "" {
		text = c.empty
	}
	if text == "" {
		return notConfigured(c.missing, rq.bucket)
	}
	return rq.text("application/xml", xml.Header+text)
}

func notConfigured(code, bucket string) error {
	return wire.Errorf(code, "The bucket has no such configuration").WithStatus(http.StatusNotFound).WithField("BucketName", bucket)
}

func (c config) store(rq *request) error {
	text, err := rq.document()
	if err != nil {
		return err
	}
	if xml.Unmarshal(text, new(struct{})) != nil {
		return malformedXML()
	}
	if _, after, found := bytes.Cut(text, []byte("?>")); found {
		text = after
	}
	return rq.change(http.StatusOK, func(bucket *Bucket) error {
		bucket.Configs[c.name] = string(bytes.TrimSpace(text))
		return nil
	})
}

func (c config) clear(rq *request) error {
	return rq.change(http.StatusNoContent, func(bucket *Bucket) error {
		delete(bucket.Configs, c.name)
		return nil
	})
}

// change edits what describes the bucket and answers with the status.
func (rq *request) change(status int, change func(*Bucket) error) error {
	if err := rq.store.Change(rq.bucket, change); err != nil {
		return err
	}
	return rq.done(status)
}
