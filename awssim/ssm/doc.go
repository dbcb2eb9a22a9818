// Package ssm is the simulator's SSM Parameter Store. Besides what was
// put into it, it answers the public parameters of machine images, so that
// templates which take their AMI from there can be deployed.
package ssm
