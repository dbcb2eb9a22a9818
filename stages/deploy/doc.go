// Package deploy is the stage that deploys a commit to one environment: it turns
// flags and configuration into a request, calls the engine of internal/deploy,
// and stores the outputs.
package deploy
