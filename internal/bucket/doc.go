// Package bucket keeps what a build made: a folder becomes one object of a
// bucket, named by its SHA-256, and comes back only when it is the same. Beside
// it lies a document that says what it is. Reports and logs go the same way.
package bucket
