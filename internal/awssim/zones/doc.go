// Package zones is the little of EC2 that the CDK looks up: the regions and
// the availability zones of a region.
package zones
