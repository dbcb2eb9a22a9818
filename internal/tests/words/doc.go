// Package words holds the vocabulary of the project: its test fails on a word of
// tools/words.txt that is back in code, in documents or in the name of a file.
package words
