// Package s3 is the simulator's S3: buckets with versioning, policies and
// configurations, objects with checksums, conditions, ranges and tags, and
// multipart uploads.
//
// Objects lie as plain files under their bucket and key, so that a person can
// look at them: <dir>/<bucket>/<key>. A key that cannot be a file name lies
// under <dir>/.odd, older versions under <dir>/.versions, parts of uploads
// under <dir>/.parts. All access goes through an os.Root, so that no key leads
// out of the directory. What describes the objects is part of the snapshot.
package s3
