// Package scaffold writes a first aphex-config.yaml for the CDK app in a folder:
// Inspect reads the source of the app, App.With adds the stacks of its assembly, and
// Render writes a valid, commented configuration. Only App.Synthesize runs the app.
//
// Reading goes from cdk.json to the app's entry and what it imports; a stack is a
// call that gives an app to a class which extends Stack, through whatever
// classes of the repository (stacks.go, classes.go, values.go).
package scaffold
