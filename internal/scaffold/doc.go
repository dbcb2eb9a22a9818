// Package scaffold writes a first aphex-config.yaml by looking at the CDK app in
// a folder: Inspect finds what the folder tells, App.With takes in what an
// assembly of the app tells, and Render makes a commented configuration of it
// that loads as it is. Nothing of the app is run, but by App.Synthesize.
//
// Reading goes from cdk.json to the app's entry and what it imports; a stack is a
// call that gives an app to a class which extends Stack, through whatever
// classes of the repository (stacks.go, classes.go, values.go).
package scaffold
