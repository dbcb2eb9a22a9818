// Package redact keeps secrets out of everything a person or a bucket gets to
// see: logs, metadata, reports and statuses. It masks the values it was told,
// in the forms in which they travel, and what looks like a well-known secret.
package redact
