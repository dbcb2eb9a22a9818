// Package test is the stage that tests an environment after its deployment: it
// runs the environment's commands with the stack outputs, and stores their
// results, their log and the JUnit reports that they write.
package test
