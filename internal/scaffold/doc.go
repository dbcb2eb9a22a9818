// Package scaffold writes a first aphex-config.yaml by looking at the CDK app in
// a folder: Inspect finds what the folder tells, Render makes a commented
// configuration of it that loads as it is. Nothing of the app is run.
package scaffold
