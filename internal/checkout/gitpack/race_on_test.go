//go:build race

package gitpack_test

import "time"

// refusedWithin bounds the processor time of a refusal; the race detector takes a multiple.
const refusedWithin = 30 * time.Second
