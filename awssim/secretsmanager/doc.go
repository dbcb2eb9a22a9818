// Package secretsmanager is the simulator's Secrets Manager: secrets with a current
// and a previous version, named by name, by ARN, or by ARN without its suffix.
package secretsmanager
