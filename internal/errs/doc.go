// Package errs holds the one typed error of the product. An error states what
// happened, what to do next (its hint), and its kind. The kind decides the exit
// code; package stage maps it in exactly one place.
package errs
