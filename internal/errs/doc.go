// Package errs defines the typed error of the product. An error states what
// happened, what to do next (its hint), and its kind. Package stage maps the kind
// to an exit code, in one place.
package errs
