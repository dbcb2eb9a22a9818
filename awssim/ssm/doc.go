// Package ssm simulates the SSM Parameter Store. Besides stored parameters, it has the
// public parameters of machine images, so that templates that read their AMI from there can
// be deployed.
package ssm
