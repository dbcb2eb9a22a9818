// Package scaffold writes a first aphex-config.yaml for the CDK app in a folder:
// Inspect reads the source of the app, App.With adds the stacks of its assembly, and
// Render writes a valid, commented configuration. Only App.Synthesize runs the app.
//
// Inspect follows cdk.json to the app's entry and its imports. A stack is a call that
// passes an app to a class that extends Stack, directly or through other classes of the
// repository (stacks.go, classes.go, values.go).
package scaffold
