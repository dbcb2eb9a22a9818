// Package redact masks secrets in all output: logs, metadata, reports and statuses. It masks the values that were added to
// it, in the forms in which they travel, and texts that look like well-known
// secrets.
package redact
