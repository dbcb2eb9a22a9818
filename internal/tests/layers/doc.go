// Package floors holds the layout of the product: its packages stand on floors, and imports go down only.
//
// The package has no code of its own. Its test asks the go command what every package imports, and fails on an
// import that goes upwards or sideways, on a heavy library where it does not belong, and on a package that nobody
// gave a floor. docs/ARCHITECTURE.md says what each floor is for.
package layers
