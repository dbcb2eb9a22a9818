// Package plan turns a configuration into the pipeline as data: an ordered
// graph of stage runs, each with the contract of its stage and with a source
// for each of its inputs. It is pure; package argo renders a plan,
// and the local run executes what was rendered.
package plan
