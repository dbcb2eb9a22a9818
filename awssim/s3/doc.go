// Package s3 simulates S3: buckets with versioning, policies and
// configurations, objects with checksums, conditions, ranges and tags, and
// multipart uploads.
//
// Objects are plain files under their bucket and key, so that users can read them:
// <dir>/<bucket>/<key>. Keys that are not valid file names are under <dir>/.odd, older
// versions under <dir>/.versions, parts of uploads under <dir>/.parts. All access goes
// through an os.Root, so that no key leads out of the directory. The metadata of the
// objects is part of the snapshot.
package s3
