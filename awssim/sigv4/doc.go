// Package sigv4 reads and verifies AWS Signature Version 4, from the header
// and from presigned URLs, and the body framing that goes with it: hashed,
// unsigned, and aws-chunked with or without signatures and trailers.
//
// A signature is verified by signing the request again with AWS's own Go code.
// What that lacks is here: reading a signature, and aws-chunked bodies.
//
// Source: "Signature Version 4 for API requests" (IAM User Guide) and
// "Signature calculations for the Authorization header: transferring payload
// in multiple chunks" (Amazon S3 API Reference).
package sigv4
