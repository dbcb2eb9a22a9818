// Package cloudformation is the CloudFormation of the simulator: templates with their
// intrinsic functions, change sets, and stacks that are created, updated,
// rolled back and deleted asynchronously, resource by resource, with the
// events, states and error messages of the real service.
//
// The engine knows nothing of HTTP signatures, buckets or roles. It asks a
// [Host] for them, and for the time. A resource type that the host has no handler for
// becomes a generic resource: an identity and attributes in the form AWS gives
// them, and nothing behind it.
package cloudformation
