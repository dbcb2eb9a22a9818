package s3

import (
	"maps"
	"net/http"
	"net/url"
)

// operation is one S3 operation: the right it needs and what it does.
type operation struct {
	action func(*request) string
	run    func(*request) error
}

func needs(action string) func(*request) string {
	return func(*request) string { return action }
}

// needsVersion is for operations that have another action for old versions.
func needsVersion(action, versioned string) func(*request) string {
	return func(rq *request) string {
		if rq.query.Get("versionId") != "" {
			return versioned
		}
		return action
	}
}

var operations = allOperations()

func allOperations() map[string]operation {
	all := map[string]operation{
		"ListBuckets":             {needs("s3:ListAllMyBuckets"), listBuckets},
		"CreateBucket":            {needs("s3:CreateBucket"), createBucket},
		"HeadBucket":              {needs("s3:ListBucket"), headBucket},
		"DeleteBucket":            {needs("s3:DeleteBucket"), deleteBucket},
		"GetBucketLocation":       {needs("s3:GetBucketLocation"), getBucketLocation},
		"ListObjects":             {needs("s3:ListBucket"), listObjects},
		"ListObjectsV2":           {needs("s3:ListBucket"), listObjectsV2},
		"ListObjectVersions":      {needs("s3:ListBucketVersions"), listObjectVersions},
		"ListMultipartUploads":    {needs("s3:ListBucketMultipartUploads"), listMultipartUploads},
		"GetObject":               {needsVersion("s3:GetObject", "s3:GetObjectVersion"), getObject},
		"HeadObject":              {needsVersion("s3:GetObject", "s3:GetObjectVersion"), getObject},
		"PutObject":               {needs("s3:PutObject"), putObject},
		"CopyObject":              {needs("s3:PutObject"), copyObject},
		"DeleteObject":            {needsVersion("s3:DeleteObject", "s3:DeleteObjectVersion"), deleteObject},
		"DeleteObjects":           {needs("s3:DeleteObject"), deleteObjects},
		"GetObjectTagging":        {needsVersion("s3:GetObjectTagging", "s3:GetObjectVersionTagging"), getObjectTagging},
		"PutObjectTagging":        {needsVersion("s3:PutObjectTagging", "s3:PutObjectVersionTagging"), putObjectTagging},
		"DeleteObjectTagging":     {needsVersion("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"), deleteObjectTagging},
		"CreateMultipartUpload":   {needs("s3:PutObject"), createMultipartUpload},
		"UploadPart":              {needs("s3:PutObject"), uploadPart},
		"UploadPartCopy":          {needs("s3:PutObject"), uploadPartCopy},
		"CompleteMultipartUpload": {needs("s3:PutObject"), completeMultipartUpload},
		"AbortMultipartUpload":    {needs("s3:AbortMultipartUpload"), abortMultipartUpload},
		"ListParts":               {needs("s3:ListMultipartUploadParts"), listParts},
	}
	maps.Copy(all, bucketConfigOperations())
	return all
}

// operationOf names the S3 operation of a request, in path style.
func operationOf(r *http.Request) string {
	bucket, key := splitPath(r.URL.Path)
	query := r.URL.Query()
	switch {
	case bucket == "" && r.Method == http.MethodGet:
		return "ListBuckets"
	case bucket == "":
		return r.Method + "Service"
	case key == "":
		return bucketOperation(r.Method, query)
	}
	return objectOperation(r, query)
}

func bucketOperation(method string, query url.Values) string {
	for subresource, name := range bucketSubresources {
		if query.Has(subresource) {
			return verbs[method] + name
		}
	}
	switch {
	case method == http.MethodPost && query.Has("delete"):
		return "DeleteObjects"
	case method == http.MethodPut:
		return "CreateBucket"
	case method == http.MethodGet && query.Get("list-type") == "2":
		return "ListObjectsV2"
	case method == http.MethodGet && query.Has("versions"):
		return "ListObjectVersions"
	case method == http.MethodGet && query.Has("uploads"):
		return "ListMultipartUploads"
	case method == http.MethodGet:
		return "ListObjects"
	}
	return verbs[method] + "Bucket"
}

func objectOperation(r *http.Request, query url.Values) string {
	copied := r.Header.Get("X-Amz-Copy-Source") != ""
	for subresource, name := range objectSubresources {
		if query.Has(subresource) {
			return verbs[r.Method] + name
		}
	}
	switch {
	case r.Method == http.MethodPost && query.Has("uploads"):
		return "CreateMultipartUpload"
	case r.Method == http.MethodPost && query.Has("uploadId"):
		return "CompleteMultipartUpload"
	case r.Method == http.MethodPut && query.Has("uploadId") && copied:
		return "UploadPartCopy"
	case r.Method == http.MethodPut && query.Has("uploadId"):
		return "UploadPart"
	case r.Method == http.MethodDelete && query.Has("uploadId"):
		return "AbortMultipartUpload"
	case r.Method == http.MethodGet && query.Has("uploadId"):
		return "ListParts"
	case r.Method == http.MethodPut && copied:
		return "CopyObject"
	}
	return verbs[r.Method] + "Object"
}

var verbs = map[string]string{
	http.MethodGet: "Get", http.MethodPut: "Put", http.MethodDelete: "Delete", http.MethodHead: "Head", http.MethodPost: "Post",
}

// objectSubresources are the query parameters that name a part of an object.
var objectSubresources = map[string]string{
	"tagging": "ObjectTagging", "acl": "ObjectAcl", "attributes": "ObjectAttributes", "retention": "ObjectRetention",
	"legal-hold": "ObjectLegalHold", "torrent": "ObjectTorrent", "restore": "ObjectRestore", "select": "ObjectSelect",
}
