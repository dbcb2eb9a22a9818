// Package bucket keeps what a build made and what runs record, each under a key
// of layout.go. A build's folder becomes one object, named by its SHA-256, and
// comes back only when it is the same; a document beside it says what it is.
//
// A Bucket is opened once, on a bucket of S3 or on a directory that takes its
// place; after that no call names it again.
package bucket
