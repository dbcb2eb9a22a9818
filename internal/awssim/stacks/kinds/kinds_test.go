package kinds

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

var place = Place{Account: "111111111111", Region: "eu-west-1", Partition: "aws"}

func subject(typ string, properties map[string]any) Subject {
	return Subject{
		Place: place, Type: typ, StackName: "Shop", LogicalID: "Thing", Properties: properties, Seed: "seed",
	}
}

func TestResourcesAreNamedAsAWSNamesThem(t *testing.T) {
	for typ, want := range map[string]string{
		"AWS::S3::Bucket":               `^shop-thing-[a-z0-9]{12}$`,
		"AWS::DynamoDB::Table":          `^Shop-Thing-[A-Z0-9]{12}$`,
		"AWS::SQS::Queue":               `^https://sqs\.eu-west-1\.amazonaws\.com/111111111111/Shop-Thing-[A-Z0-9]{12}$`,
		"AWS::SNS::Topic":               `^arn:aws:sns:eu-west-1:111111111111:Shop-Thing-[A-Z0-9]{12}$`,
		"AWS::CloudFront::Distribution": `^E[A-Z0-9]{13}$`,
		"AWS::KMS::Key":                 `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$`,
		"AWS::EC2::VPC":                 `^vpc-[0-9a-f]{17}$`,
		"AWS::Unheard::Of":              `^Shop-Thing-[A-Z0-9]{12}$`,
	} {
		assert.Regexp(t, regexp.MustCompile(want), subject(typ, nil).NewID(), typ)
	}
	assert.Equal(t, "my-bucket", subject("AWS::S3::Bucket", map[string]any{"BucketName": "my-bucket"}).NewID())
	assert.Equal(t, "arn:aws:sns:eu-west-1:111111111111:news", subject("AWS::SNS::Topic", map[string]any{"TopicName": "news"}).NewID())
}

func TestAttributesAreShapedAsAWSShapesThem(t *testing.T) {
	attribute := func(typ, id, name string) string {
		s := subject(typ, map[string]any{"Value": "33"})
		s.PhysicalID = id
		return s.Attribute(name)
	}
	assert.Equal(t, "arn:aws:s3:::b", attribute("AWS::S3::Bucket", "b", "Arn"))
	assert.Equal(t, "b.s3.eu-west-1.amazonaws.com", attribute("AWS::S3::Bucket", "b", "RegionalDomainName"))
	assert.Equal(t, "arn:aws:lambda:eu-west-1:111111111111:function:f", attribute("AWS::Lambda::Function", "f", "Arn"))
	assert.Equal(t, "arn:aws:sqs:eu-west-1:111111111111:q", attribute("AWS::SQS::Queue", "https://sqs/1/q", "Arn"))
	assert.Equal(t, "q", attribute("AWS::SQS::Queue", "https://sqs/1/q", "QueueName"))
	assert.Equal(t, "news", attribute("AWS::SNS::Topic", "arn:aws:sns:eu-west-1:1:news", "TopicName"))
	assert.Equal(t, "33", attribute("AWS::SSM::Parameter", "/x", "Value"))
	assert.Regexp(t, `^d[a-z0-9]{13}\.cloudfront\.net$`, attribute("AWS::CloudFront::Distribution", "E1", "DomainName"))
	assert.Equal(t, "arn:aws:unheard:eu-west-1:111111111111:of/u", attribute("AWS::Unheard::Of", "u", "SomeArn"))
	assert.Equal(t, "u-Color", attribute("AWS::Unheard::Of", "u", "Color"))
}

func TestAnAttributeIsTheSameEveryTime(t *testing.T) {
	s := subject("AWS::ApiGateway::RestApi", nil)
	s.PhysicalID = "abc"
	first := s.Attribute("RootResourceId")
	s.Seed = "another"
	assert.Equal(t, first, s.Attribute("RootResourceId"))
}

func TestInventedNamesKeepTheLimitOfTheirType(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		stack := rapid.StringMatching(`[A-Za-z][-A-Za-z0-9]{0,127}`).Draw(rt, "stack")
		logical := rapid.StringMatching(`[A-Za-z0-9]{1,255}`).Draw(rt, "logical")
		for typ, limit := range map[string]int{"AWS::S3::Bucket": 63, "AWS::IAM::Role": 64, "AWS::Unheard::Of": 128} {
			name := Invent(stack, logical, "seed", typ)
			assert.LessOrEqual(rt, len(name), limit)
			assert.Regexp(rt, `^[-A-Za-z0-9]+-[A-Za-z0-9]{12}$`, name)
		}
	})
}

func TestReplacementAndRequirementsFollowTheTable(t *testing.T) {
	assert.True(t, Replaces("AWS::S3::Bucket", "BucketName"))
	assert.True(t, Replaces("AWS::DynamoDB::Table", "KeySchema"))
	assert.False(t, Replaces("AWS::Lambda::Function", "Code"))
	assert.False(t, Replaces("AWS::Unheard::Of", ""))
	assert.Equal(t, []string{"Code", "Role"}, Missing("AWS::Lambda::Function", nil))
	assert.Empty(t, Missing("AWS::Unheard::Of", nil))
}
