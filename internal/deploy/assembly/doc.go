// Package assembly reads a CDK cloud assembly, the output folder of a CDK app: its
// stacks, their dependencies and prerequisites, and their assets. It makes no AWS
// calls, and rejects every path that points outside of the folder.
package assembly
