// Package wire is how AWS APIs speak: the call that a service gets, the errors
// it may answer, and the forms both take in the protocols of the simulated
// services (awsquery and ec2query as forms and XML, awsJson1.1, and the REST
// XML of S3).
package wire
