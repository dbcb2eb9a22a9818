// Command bench compares the product with the programs that it stands in for, and with its own limits.
//
// Each comparison is a ratio of medians of interleaved runs: ours, theirs, ours, theirs. So a machine that gets slower
// on the way slows both, and one odd run decides nothing. The result is a table for people and a file for machines.
package main
