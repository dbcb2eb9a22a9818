// Package bucket stores artifacts of builds and records of runs, under the keys in
// layout.go. The workspace of a build is one object, named by its SHA-256, which
// is verified when it is read, with its metadata in another object.
//
// A Bucket is opened once, for a bucket of S3 or for a directory.
package bucket
