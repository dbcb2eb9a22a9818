// Package ec2 implements the lookups of CDK apps in EC2: zones, networks, security groups,
// key pairs, images and endpoint services. It returns what stacks have deployed and, as in
// AWS, a default network in every region and public images.
package ec2
