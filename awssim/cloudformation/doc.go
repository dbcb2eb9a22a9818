// Package cloudformation simulates CloudFormation: templates with their
// intrinsic functions, change sets, and stacks that are created, updated,
// rolled back and deleted asynchronously, resource by resource, with the
// events, states and error messages of the real service.
//
// The engine does not depend on HTTP signatures, buckets or roles. It calls a [Host] for
// them, and for the time. A resource of a type without a handler in the host is generic: an
// identity and attributes in AWS's form, without behaviour.
package cloudformation
