// Package redact masks secrets in all output: logs, metadata, reports and statuses. It
// masks the values that were added to it, in their usual encodings, and texts that match
// well-known patterns of secrets.
package redact
