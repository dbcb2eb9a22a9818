package awssim

import (
	"encoding/xml"
	"maps"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/s3"
)

const longestBucketName = 63

func createBucket(s *Server, req request) (cloudformation.Resource, error) {
	name := strings.ToLower(req.name("BucketName", longestBucketName))
	if err := s.permit(req, "s3:CreateBucket", "arn:"+req.Scope.Partition+":s3:::"+name); err != nil {
		return cloudformation.Resource{}, err
	}
	bucket := s3.Bucket{Name: name, Account: req.Scope.Account, Region: req.Scope.Region}
	if err := s.objects.Create(bucket); err != nil {
		return cloudformation.Resource{}, err
	}
	return configureBucket(s, req, name)
}

func updateBucket(s *Server, req request) (cloudformation.Resource, error) {
	if err := s.permit(req, "s3:PutBucketTagging", "arn:"+req.Scope.Partition+":s3:::"+req.PhysicalID); err != nil {
		return cloudformation.Resource{}, err
	}
	return configureBucket(s, req, req.PhysicalID)
}

// configureBucket applies the properties of the template to a bucket.
func configureBucket(s *Server, req request, name string) (cloudformation.Resource, error) {
	err := s.objects.Change(name, func(bucket *s3.Bucket) error {
		if status := req.now.text("VersioningConfiguration", "Status"); status != "" {
			bucket.Versioning = status
		} else if bucket.Versioning == s3.Enabled {
			bucket.Versioning = s3.Suspended
		}
		bucket.Encryption = bucketEncryption(req.now)
		bucket.Tags = req.tags()
		bucket.Configs = maps.Clone(bucket.Configs)
		for name, render := range bucketConfigs {
			if text := render(req.now); text != "" {
				bucket.Configs[name] = text
			} else {
				delete(bucket.Configs, name)
			}
		}
		return nil
	})
	if err != nil {
		return cloudformation.Resource{}, err
	}
	bucket, err := s.objects.Bucket(name)
	if err != nil {
		return cloudformation.Resource{}, err
	}
	global, regional, dual := bucket.DomainNames()
	return cloudformation.Resource{PhysicalID: name, Attributes: map[string]any{
		"Arn": bucket.ARN(), "DomainName": global, "RegionalDomainName": regional, "DualStackDomainName": dual,
		"WebsiteURL": "http://" + name + ".s3-website-" + bucket.Region + ".amazonaws.com",
	}}, nil
}

// bucketHere is a bucket of the account in the region.
func bucketHere(s *Server, req request, property string) (s3.Bucket, error) {
	bucket, err := s.objects.Bucket(strings.ToLower(req.now.text(property)))
	if err == nil && (bucket.Account != req.Scope.Account || bucket.Region != req.Scope.Region) {
		return s3.Bucket{}, cloudformation.ErrAbsent
	}
	return bucket, err
}

func findBucket(s *Server, req request) (cloudformation.Resource, error) {
	bucket, err := bucketHere(s, req, "BucketName")
	return cloudformation.Resource{PhysicalID: bucket.Name}, err
}

func findBucketPolicy(s *Server, req request) (cloudformation.Resource, error) {
	bucket, err := bucketHere(s, req, "Bucket")
	if err == nil && bucket.Policy == "" {
		err = cloudformation.ErrAbsent
	}
	return cloudformation.Resource{PhysicalID: bucket.Name}, err
}

func bucketEncryption(p properties) s3.Encryption {
	for _, rule := range p.maps("BucketEncryption", "ServerSideEncryptionConfiguration") {
		return s3.Encryption{
			Algorithm: rule.text("ServerSideEncryptionByDefault", "SSEAlgorithm"),
			KeyID:     rule.text("ServerSideEncryptionByDefault", "KMSMasterKeyID"),
			BucketKey: rule.flag("BucketKeyEnabled"),
		}
	}
	return s3.Encryption{Algorithm: "AES256"}
}

// bucketConfigs render configurations as the S3 API gives them; empty for none.
var bucketConfigs = map[string]func(properties) string{
	"publicAccessBlock": publicAccessBlock,
	"ownershipControls": ownershipControls,
	"lifecycle":         lifecycle,
}

func publicAccessBlock(p properties) string {
	if p.at("PublicAccessBlockConfiguration") == nil {
		return ""
	}
	block := func(name string) bool { return p.flag("PublicAccessBlockConfiguration", name) }
	return render(struct {
		XMLName                                                                     xml.Name `xml:"PublicAccessBlockConfiguration"`
		BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets bool
	}{
		BlockPublicAcls: block("BlockPublicAcls"), IgnorePublicAcls: block("IgnorePublicAcls"),
		BlockPublicPolicy: block("BlockPublicPolicy"), RestrictPublicBuckets: block("RestrictPublicBuckets"),
	})
}

func ownershipControls(p properties) string {
	for _, rule := range p.maps("OwnershipControls", "Rules") {
		return render(struct {
			XMLName   xml.Name `xml:"OwnershipControls"`
			Ownership string   `xml:"Rule>ObjectOwnership"`
		}{Ownership: rule.text("ObjectOwnership")})
	}
	return ""
}

type lifecycleRule struct {
	ID             string `xml:",omitempty"`
	Status         string
	Prefix         string `xml:"Filter>Prefix"`
	ExpirationDays int    `xml:"Expiration>Days,omitempty"`
	NoncurrentDays int    `xml:"NoncurrentVersionExpiration>NoncurrentDays,omitempty"`
	AbortAfterDays int    `xml:"AbortIncompleteMultipartUpload>DaysAfterInitiation,omitempty"`
}

func lifecycle(p properties) string {
	var rules []lifecycleRule
	for _, rule := range p.maps("LifecycleConfiguration", "Rules") {
		rules = append(rules, lifecycleRule{
			ID: rule.text("Id"), Status: rule.text("Status"), Prefix: rule.text("Prefix"), ExpirationDays: rule.number("ExpirationInDays"),
			NoncurrentDays: max(rule.number("NoncurrentVersionExpiration", "NoncurrentDays"), rule.number("NoncurrentVersionExpirationInDays")),
			AbortAfterDays: rule.number("AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
		})
	}
	if rules == nil {
		return ""
	}
	return render(struct {
		XMLName xml.Name        `xml:"LifecycleConfiguration"`
		Rules   []lifecycleRule `xml:"Rule"`
	}{Rules: rules})
}

func render(document any) string {
	text, err := xml.Marshal(document)
	if err != nil {
		return ""
	}
	return string(text)
}

// autoDelete marks buckets that the CDK empties through a custom resource,
// whose function does not run here.
const autoDelete = "aws-cdk:auto-delete-objects"

func deleteBucket(s *Server, req request) error {
	bucket, err := s.objects.Bucket(req.PhysicalID)
	if err != nil {
		return err
	}
	if err := s.permit(req, "s3:DeleteBucket", bucket.ARN()); err != nil {
		return err
	}
	if bucket.Tags[autoDelete] == "true" {
		if err := s.objects.Empty(req.PhysicalID); err != nil {
			return err
		}
	}
	return s.objects.Delete(req.PhysicalID)
}

func putBucketPolicy(s *Server, req request) (cloudformation.Resource, error) {
	name := req.now.text("Bucket")
	if err := s.permit(req, "s3:PutBucketPolicy", "arn:"+req.Scope.Partition+":s3:::"+name); err != nil {
		return cloudformation.Resource{}, err
	}
	err := s.objects.Change(name, func(bucket *s3.Bucket) error { return bucket.SetPolicy(req.now.document("PolicyDocument")) })
	return cloudformation.Resource{PhysicalID: name, Attributes: map[string]any{"Bucket": name}}, err
}

func deleteBucketPolicy(s *Server, req request) error {
	if err := s.permit(req, "s3:DeleteBucketPolicy", "arn:"+req.Scope.Partition+":s3:::"+req.PhysicalID); err != nil {
		return err
	}
	return s.objects.Change(req.PhysicalID, func(bucket *s3.Bucket) error { return bucket.SetPolicy("") })
}
