//go:build !race

package gitpack_test

import "time"

// refusedWithin bounds the processor time of a refusal.
const refusedWithin = 4 * time.Second
