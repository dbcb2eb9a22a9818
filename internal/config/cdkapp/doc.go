// Package cdkapp reads the folder of a CDK app: its JSON files, in any encoding
// that the CDK accepts, and the programs that its npm packages provide.
package cdkapp
