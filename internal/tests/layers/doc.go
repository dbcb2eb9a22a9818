// Package layers holds the layers of the product: imports go down only.
//
// The package has no code of its own. Its tests ask the go command what every
// package imports, and fail on an import that goes up or sideways, on a heavy
// library where it does not belong, and on a package without a layer. They also
// generate the layer table of docs/ARCHITECTURE.md.
package layers
