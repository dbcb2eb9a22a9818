// Package wire implements the protocols of AWS APIs: the call that a service gets, the errors
// it may return, and their encoding in the protocols of the simulated
// services (awsquery and ec2query as forms and XML, awsJson1.1, and the REST
// XML of S3).
package wire
