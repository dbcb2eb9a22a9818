// Package ec2 is the little of EC2 that CDK apps look up: zones, networks,
// security groups, key pairs, images and endpoint services. What a stack has
// deployed is found; and as in AWS, every account has a default network in
// every region, and can see the images of others.
package ec2
