package infra

import "strings"

func (r renderer) bucketARN(rest string) string {
	return "arn:" + r.place.Partition() + ":s3:::" + r.place.Bucket + rest
}

// arn returns the ARN of a resource in the account and region of the pipeline.
func (r renderer) arn(service, resource string) string {
	return strings.Join([]string{"arn", r.place.Partition(), service, r.place.Region, r.place.Account, resource}, ":")
}

// secretARN matches the one secret of that name: Secrets Manager appends a
// hyphen and six characters.
func (r renderer) secretARN(name string) string {
	return r.arn("secretsmanager", "secret:"+name+"-??????")
}

func (r renderer) stackARN() string { return r.arn("cloudformation", "stack/"+r.names.Stack+"/*") }
