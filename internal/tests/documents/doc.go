// Package documents reads the documents of the repository, so that tests hold what
// they say: links, commands, configurations, sources, and the contract of sections
// that CONTRIBUTING.md describes. It also computes docs/index.json.
package documents
