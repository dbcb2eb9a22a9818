// Package clouds says what a deployment left in a simulated cloud, as text
// that can be compared with what another program left in another.
package clouds
