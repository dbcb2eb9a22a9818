// Package test is the stage that tests an environment after its deployment: it
// runs the environment's commands with every stack output at hand and keeps
// their results, their log and the JUnit reports that they leave.
package test
