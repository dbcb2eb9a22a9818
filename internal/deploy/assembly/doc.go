// Package assembly reads a CDK cloud assembly: the folder that a CDK app
// writes when it is synthesized. It says which stacks there are, what each one
// needs before it can be deployed, and which assets must be published. It only
// reads, knows no AWS, and refuses every path that leads out of the folder.
package assembly
