// Package steer finds what a person asks for in the records of runs: the commit to go back
// to, the one that another environment has, and what a run did not get to. It changes nothing.
package steer
