package clients

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	metrictypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/notify"
	"github.com/aphex/aphex-pipeline/internal/notify/github"
	"github.com/aphex/aphex-pipeline/internal/notify/metric"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Notifications returns the clients of targets, with the program's own identity; "" is the
// SDK's default region. Secrets are given to mask as soon as they are read.
func Notifications(region string, mask func(string), at Repository) notify.Clients {
	return notify.Clients{
		Poster: notify.NewPoster(notify.Public),
		Secret: func(ctx context.Context, name string) (string, error) {
			base, err := awsauth.Load(ctx, region)
			if err != nil {
				return "", err
			}
			text, err := readSecret(ctx, base, config.Secret{SecretsManager: name})
			if err != nil {
				return "", explainRead("notifications", "", config.Secret{SecretsManager: name}, err)
			}
			for _, part := range partsOf(text) {
				mask(part)
			}
			return text, nil
		},
		Publish: publish,
		GitHub: func(ctx context.Context, shows []string) (notify.Target, error) {
			repository, err := at.Open(ctx, region, mask, github.Reports(shows))
			if err != nil {
				return nil, err
			}
			return github.NewTarget(repository, shows), nil
		},
	}
}

// publish publishes to a topic, in its region.
func publish(ctx context.Context, p notify.Publication) error {
	topic, err := arn.Parse(p.Topic)
	if err != nil {
		return errs.Invalidf("%q is no ARN of a topic: %w", p.Topic, err)
	}
	base, err := awsauth.Load(ctx, topic.Region)
	if err != nil {
		return err
	}
	attributes := map[string]snstypes.MessageAttributeValue{}
	for name, value := range p.Attributes {
		if value != "" {
			attributes[name] = snstypes.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
		}
	}
	_, err = sns.NewFromConfig(base).Publish(ctx, &sns.PublishInput{
		TopicArn: &p.Topic, Subject: &p.Subject, Message: &p.Message, MessageStructure: aws.String("json"), MessageAttributes: attributes,
	})
	return explainCall(err, "publishing to topic "+topic.Resource, plan.ApproveFix+"; the policy of a topic in another account must permit the role, too")
}

// mostOfCall is how many values one call takes (CloudWatch's API reference, PutMetricData).
const mostOfCall = 1000

// PublishMetrics publishes values in the namespace of the pipeline, with the program's own
// identity.
func PublishMetrics(ctx context.Context, data []metric.Datum) error {
	base, err := awsauth.Load(ctx, "")
	if err != nil {
		return err
	}
	client := cloudwatch.NewFromConfig(base)
	for part := range slices.Chunk(data, mostOfCall) {
		var values []metrictypes.MetricDatum
		for _, d := range part {
			value := metrictypes.MetricDatum{MetricName: &d.Name, Value: &d.Value, Unit: metrictypes.StandardUnit(d.Unit), Timestamp: &d.At}
			for _, one := range d.Dimensions {
				value.Dimensions = append(value.Dimensions, metrictypes.Dimension{Name: &one.Name, Value: &one.Value})
			}
			values = append(values, value)
		}
		_, err := client.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String(metric.Namespace), MetricData: values})
		if err != nil {
			return explainCall(err, "publishing metrics to CloudWatch", plan.ApproveFix+"; or set metrics: false")
		}
	}
	return nil
}

// explainCall says what failed, and what to do about a missing permission.
func explainCall(err error, what, permit string) error {
	switch {
	case err == nil:
		return nil
	case awsauth.IsDenied(err):
		return errs.Failedf("%s: no permission: %w", what, err).WithHint("%s", permit)
	case errs.IsTemporary(err):
		return errs.Temporaryf("%s: %w", what, err)
	}
	return errs.Failedf("%s: %w", what, err)
}
