// Package plan converts a configuration into the pipeline as data: an ordered
// graph of steps, each with the contract of its stage and a source for each of its
// inputs. It is pure; package argo renders a plan, and the local run executes the
// rendered plan.
package plan
