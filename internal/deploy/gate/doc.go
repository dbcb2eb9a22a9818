// Package gate decides whether the deployment of an environment may begin: now, later or not
// at all. It is pure but for [Store], which reads and writes what people said.
package gate
