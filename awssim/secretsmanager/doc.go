// Package secretsmanager simulates Secrets Manager: secrets with a current
// and a previous version, named by name, by ARN, or by ARN without its suffix.
package secretsmanager
