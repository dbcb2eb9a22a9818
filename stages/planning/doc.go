// Package planning is the stage that plans what the commit of a pull request would change.
//
// It builds the commit as the build does, but with no cache, secret or role, synthesizes each
// environment with a lookup session, and compares templates. It creates nothing in any
// account, and its identity could not.
package planning
