// Package fault holds the one typed error of the product. An error says what
// happened, what to do next (its hint), and of which kind it is; the kind
// decides the exit code, which package stage maps in exactly one place.
package errs
