// Package cdkapp knows what lies in the folder of a CDK app as its authors leave
// it: the JSON files that the CDK reads, in whatever form an editor saved them,
// and the programs that its npm packages provide.
package cdkapp
